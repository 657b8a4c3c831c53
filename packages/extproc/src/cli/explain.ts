import { createEmbeddedTier } from "@turnout/classifier-pool/embedded";
import { createMetrics, silentLogger, systemClock } from "@turnout/shared";
import type { SourceName } from "@turnout/classifier-pool/prepare";
import type { Command } from "commander";
import { loadConfig, routingSettingsOf } from "../config/index.ts";
import { evaluationBody } from "../admin/evaluation.ts";
import { createRoutingSnapshot, promptRequest } from "../routing/index.ts";
import { renderRoute } from "./render-route.ts";
import { sourceOption } from "./options.ts";
import type { Environment } from "./program.ts";
import { showPreparation } from "./progress.ts";

interface ExplainFlags {
  readonly config: string;
  readonly source: readonly SourceName[];
  readonly json: boolean;
}

const WARM_TIMEOUT_MS = 60_000;
const ROUTE_TIMEOUT_MS = 10_000;

/** addExplainCommand adds `turnout explain`: why a prompt would go where it goes, and what each step costs. */
export function addExplainCommand(program: Command, env: Environment): void {
  program
    .command("explain")
    .description("Say where a prompt would go and why: signals with scores, the decision, the model, and how long each step took.")
    .argument("<prompt>", "the user's message")
    .requiredOption("--config <file>", "configuration (v0.3)")
    .addOption(sourceOption())
    .option("--json", "print one JSON object, in the shape of POST /api/v1/eval", false)
    .action(async (prompt: string, flags: ExplainFlags) => {
      const { document } = await loadConfig(flags.config, env);
      const { encoderIn, openClassifier } = await import("../classifier.ts");
      const progress = await showPreparation(document.turnout.classifier.model);
      const classifier = await openClassifier({
        document,
        env,
        model: { sources: flags.source, onProgress: progress.onProgress },
        pool: { workers: 1 },
        logger: silentLogger,
        metrics: createMetrics(),
      });
      try {
        const { router } = createRoutingSnapshot({
          config: document.routing,
          providers: document.providers,
          settings: routingSettingsOf(document),
          embedder: classifier.pinned(),
          embedded: createEmbeddedTier(),
          encoderModel: () => encoderIn(classifier.status()),
          clock: systemClock,
        });
        if (router.wantsEncoder) classifier.start();
        const encoder = router.wantsEncoder ? await classifier.whenSettled() : classifier.status();
        progress.stop();
        if (encoder.state === "unavailable") process.stderr.write(`warning: ${encoder.reason}\n`);
        else if (router.wantsEncoder) await router.warm({ deadline: systemClock.now() + WARM_TIMEOUT_MS });
        const route = await router.route(promptRequest(prompt), { deadline: systemClock.now() + ROUTE_TIMEOUT_MS });
        process.stdout.write(flags.json ? `${JSON.stringify(evaluationBody(route), null, 2)}\n` : renderRoute(route));
      } finally {
        progress.stop();
        await classifier.close();
      }
    });
}
