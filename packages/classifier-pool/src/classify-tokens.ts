/**
 * Texts through a model that labels tokens: window by window, then from labels to entities. Texts of one window share a batch; a longer
 * one is computed window by window, because batching gains nothing at that length. Called by worker.ts.
 */
import type { TextScan } from "@turnout/shared";
import { batchOf, runBatch } from "./backends/warm-up.ts";
import type { LoadedModel } from "./loaded-models.ts";
import { findEntities, labelTokens, type TokenLabels } from "./model/entities.ts";
import type { ScanWindow, TextReading } from "./tokens/scanner.ts";

/** ReadText is a text and how the model reads it. */
export interface ReadText {
  readonly text: string;
  readonly reading: TextReading;
}

/** classifyTokens finds the entities of each text, in the order of the texts. */
export async function classifyTokens(
  { encoder, batching, scheme }: Pick<LoadedModel, "encoder" | "batching" | "scheme">,
  texts: readonly ReadText[],
): Promise<TextScan[]> {
  const work = texts.map(({ text, reading }) => ({ text, reading, tokens: unlabelled(reading) }));
  const label = (tokens: TokenLabels, { at, from, to }: ScanWindow, logits: Float32Array, row: number) =>
    labelTokens(logits, encoder.dimension, row + at, from, to, tokens);

  const short = work.flatMap(({ reading, tokens }) =>
    reading.windows.length === 1 ? reading.windows.map((window) => ({ window, tokens })) : [],
  );
  if (short.length > 0) {
    const batch = batchOf(short.map(({ window }) => window.ids));
    const logits = await runBatch(encoder, batch, batching);
    for (const [row, { window, tokens }] of short.entries()) label(tokens, window, logits, row * batch.width);
  }
  for (const { reading, tokens } of work) {
    if (reading.windows.length === 1) continue;
    for (const window of reading.windows) label(tokens, window, await encoder.run(batchOf([window.ids])), 0);
  }
  return work.map(({ text, reading, tokens }) => ({
    entities: findEntities(text, tokens, scheme ?? []),
    scannedChars: reading.scannedChars,
  }));
}

function unlabelled({ count, starts, ends }: TextReading): TokenLabels {
  return { count, starts, ends, labels: new Int32Array(count), scores: new Float32Array(count) };
}
