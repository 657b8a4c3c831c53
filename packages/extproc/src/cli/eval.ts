import { writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { SourceName } from "@turnout/classifier-pool/prepare";
import { createMetrics, RouterError, silentLogger } from "@turnout/shared";
import { InvalidArgumentError, Option, type Command } from "commander";
import { loadConfig, routingSettingsOf } from "../config/index.ts";
import type { TaskName, Tier } from "../evaluation/tasks.ts";
import { sourceOption } from "./options.ts";
import type { Environment } from "./program.ts";
import { showPreparation } from "./progress.ts";

interface EvalFlags {
  readonly task: TaskName;
  readonly data: string;
  readonly tier: Tier;
  readonly config: string;
  readonly train?: string;
  readonly types?: string;
  readonly json: boolean;
  readonly html?: string;
  readonly source: readonly SourceName[];
}

const TASKS: readonly TaskName[] = ["domain", "jailbreak", "pii", "intent", "cache"];
const quickstart = fileURLToPath(new URL("../../../../config/quickstart.yaml", import.meta.url));

/** addEvalCommand adds `turnout eval`: how good the classifiers are on labelled texts of one's own. */
export function addEvalCommand(program: Command, env: Environment): void {
  program
    .command("eval")
    .description("Measure the classifiers on labelled texts (JSONL), as a configuration serves them.")
    .addOption(new Option("--task <name>", "what is judged").choices(TASKS).argParser(parseTask).makeOptionMandatory())
    .requiredOption(
      "--data <file>",
      'labelled texts, one a line: {"text", "label"}; pii labels are [[start, end, TYPE], ...], jailbreak labels 1 or 0, cache pairs {"text", "text2", "label": 1 or 0}',
    )
    .addOption(
      new Option("--tier <name>", "who may answer; cascade: the encoder where the embedded tier is unsure")
        .choices(["embedded", "encoder", "cascade"])
        .default("cascade"),
    )
    .option("--config <file>", "configuration whose rules are measured", quickstart)
    .option("--train <file>", "intent: examples of each label, one a line like --data")
    .option("--types <names>", "pii: types that count, with commas between (default: those with a checkable structure)")
    .option("--json", "print one JSON object; p50Us is of some texts asked one at a time", false)
    .option("--html <file>", "also write a page with the confusion matrix and a reliability diagram")
    .addOption(sourceOption())
    .action(async (flags: EvalFlags) => {
      const { document } = await loadConfig(flags.config, env);
      const [{ encoderIn, openClassifier }, { createEmbeddedTier }, { tasks }, { renderFigures, renderPage }] = await Promise.all([
        import("../classifier.ts"),
        import("@turnout/classifier-pool/embedded"),
        import("../evaluation/tasks.ts"),
        import("../evaluation/render.ts"),
      ]);
      const preparation = await showPreparation(document.turnout.classifier.model);
      const classifier = await openClassifier({
        document,
        env,
        model: { sources: flags.source, onProgress: preparation.onProgress },
        logger: silentLogger,
        metrics: createMetrics(),
      });
      try {
        const { window, softMatchThreshold, domainCascade } = routingSettingsOf(document);
        const { figures, bins } = await tasks[flags.task]({
          file: flags.data,
          signals: document.routing.signals,
          settings: {
            window,
            softMatchThreshold,
            domainCascade,
            embedded: createEmbeddedTier(),
            encoderModel: () => encoderIn(classifier.status()),
          },
          tier: flags.tier,
          async encoder() {
            classifier.start();
            const status = await classifier.whenSettled();
            preparation.stop();
            if (status.state === "unavailable") throw new RouterError("encoder_unavailable", status.reason);
            return classifier.pinned();
          },
          ...(flags.types === undefined ? {} : { types: flags.types.split(",").map((type) => type.trim()) }),
          ...(flags.train === undefined ? {} : { trainFile: flags.train }),
          similarityThreshold: document.global.stores.response_cache.similarity_threshold,
          progress: showProgress,
        });
        const result = { figures: { task: flags.task, tier: flags.tier, ...figures }, ...(bins === undefined ? {} : { bins }) };
        process.stdout.write(flags.json ? `${JSON.stringify(result.figures)}\n` : renderFigures(result.figures));
        if (flags.html !== undefined) await writePage(flags.html, renderPage(result));
      } finally {
        preparation.stop();
        await classifier.close();
      }
    });
}

function parseTask(name: string): TaskName {
  const task = TASKS.find((known) => known === name);
  if (task === undefined) throw new InvalidArgumentError(`Allowed choices are ${TASKS.join(", ")}.`);
  return task;
}

/** writePage comes after the figures are printed: a page that cannot be written loses nobody's measurement. */
async function writePage(file: string, page: string): Promise<void> {
  await writeFile(file, page).catch((cause: Error) => {
    throw new RouterError("request_invalid", `the page cannot be written: ${cause.message}`, { cause });
  });
}

/** showProgress keeps one line of a terminal; a log gets none. */
function showProgress(done: number, total: number): void {
  if (!process.stderr.isTTY) return;
  process.stderr.write(done < total ? `\r${done} of ${total} texts` : "\r\u001b[2K");
}
