/**
 * What a text costs before and beside the encoder, in microseconds by its length: `excerpt` cuts it for its window, `estimate`
 * guesses its tokens (both in the front, at admission), `key` hashes it for the embedding cache, `tokenize` is the exact work in
 * the worker. The variants take turns over the same texts, best of the rounds; compare the ratios. `estimateError` is how far the
 * guess is off, as a share, on the average.
 *
 *   pnpm bench tokens [--json] [--model DIRECTORY] [--rounds 7] [--words 10,60,200,1000]
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { defaultModelsDirectory, listModels } from "@turnout/classifier-pool/prepare";
import type { TextWindow } from "@turnout/shared";
import { textKey } from "../packages/classifier-pool/src/embedding-cache.ts";
import { estimateTokens } from "../packages/classifier-pool/src/tokens/token-count.ts";
import { createTokenizer, loadVocabulary } from "../packages/classifier-pool/src/tokens/tokenizer.ts";
import { excerpt } from "../packages/classifier-pool/src/tokens/window.ts";
import { round } from "./figures.ts";
import { randomNumbers } from "./words.ts";

const { values: flags } = parseArgs({
  options: {
    model: { type: "string" },
    rounds: { type: "string", default: "7" },
    words: { type: "string", default: "10,60,200,1000" },
  },
});
const TEXTS = 200;
const window: TextWindow = { maxTokens: 128, sampling: "head_middle_tail" };
const vocabulary =
  "please compare summer winter travel plans train ticket price garden tools kitchen music history report update server error customer order delivery, internationally unforgettable 2026 (see below).".split(
    " ",
  );
const random = randomNumbers(1);
const { directory, tokenizerFile } = await model();
const { tokenize } = createTokenizer(await loadVocabulary(join(directory, tokenizerFile)), 512);

for (const words of flags.words.split(",").map(Number)) {
  const texts = Array.from({ length: TEXTS }, () =>
    Array.from({ length: words }, () => vocabulary[Math.floor(random() * vocabulary.length)]).join(" "),
  );
  const jobs = texts.map((text) => ({ ...excerpt(text, window), window }));
  const variants: Record<string, () => number> = {
    excerpt: () => texts.reduce((sum, text) => sum + excerpt(text, window).parts.length, 0),
    estimate: () => jobs.reduce((sum, job) => sum + estimateTokens(job), 0),
    key: () => jobs.reduce((sum, job) => sum + textKey("model@revision", job, job.cut).length, 0),
    tokenize: () => jobs.reduce((sum, job) => sum + tokenize(job).ids.length, 0),
  };
  const best: Record<string, number> = {};
  for (let round = 0; round < Number(flags.rounds); round += 1) {
    for (const [name, run] of Object.entries(variants)) {
      const started = performance.now();
      run();
      best[name] = Math.min(best[name] ?? Number.POSITIVE_INFINITY, ((performance.now() - started) * 1000) / TEXTS);
    }
  }
  const errors = jobs.map((job) => Math.abs(estimateTokens(job) / tokenize(job).ids.length - 1));
  const { tokenize: exactUs = Number.NaN } = best;
  console.log(
    JSON.stringify({
      scope: "tokens",
      words,
      us: Object.fromEntries(Object.entries(best).map(([name, us]) => [name, round(us)])),
      ratio: Object.fromEntries(Object.entries(best).map(([name, us]) => [`tokenize/${name}`, round(exactUs / us)])),
      estimateError: round(errors.reduce((sum, error) => sum + error, 0) / TEXTS),
    }),
  );
}

async function model(): Promise<{ directory: string; tokenizerFile: string }> {
  if (flags.model !== undefined) return { directory: flags.model, tokenizerFile: "tokenizer.json" };
  const found = (await listModels(defaultModelsDirectory(process.env))).find(({ manifest }) => manifest !== null);
  if (found === undefined || found.manifest === null)
    throw new Error("no prepared model; run `pnpm turnout models prepare` or give --model DIRECTORY");
  return { directory: found.directory, tokenizerFile: found.manifest.tokenizer };
}
