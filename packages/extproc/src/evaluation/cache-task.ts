/**
 * The cache task of `turnout eval`: for pairs of questions, would the second one's answer be served to the first? What is judged is the
 * decision that the response cache takes at the configuration's threshold, everything but the two texts being equal.
 */
import { createPairVerifier, decidePair } from "@turnout/cache";
import { systemClock, type Embedder, type TextWindow } from "@turnout/shared";
import { lineSchemas, readLabelled } from "./labelled-data.ts";
import { binaryFigures, wilson } from "./metrics.ts";
import type { TaskParts, TaskResult } from "./tasks.ts";

/** Texts of one submission. */
const CHUNK = 64;
const ENCODE_TIMEOUT_MS = 60_000;

/** cache takes the figures of all pairs. falseHitRate is the share of pairs that ask something else and would be answered all the same. */
export async function cache({ file, settings, encoder, similarityThreshold, progress }: TaskParts): Promise<TaskResult> {
  const rows = await readLabelled(file, lineSchemas.cache);
  const started = performance.now();
  const vectors = await vectorsOf(
    [...new Set(rows.flatMap(({ text, text2 }) => [text, text2]))],
    await encoder(),
    settings.window,
    progress,
  );
  const encodedMs = performance.now() - started;
  const options = { verifier: createPairVerifier(), similarityThreshold };
  const times: number[] = [];
  const outcomes = rows.map(({ text, text2 }) => {
    const before = performance.now();
    const outcome = decidePair(text, text2, cosineOf(vectors.get(text), vectors.get(text2)), options);
    times.push((performance.now() - before) * 1_000);
    return outcome;
  });
  const { falsePositiveRate, ...figures } = binaryFigures(
    rows.map(({ label }, index) => ({
      positive: label === 1,
      predicted: outcomes[index]?.serve === true,
      score: outcomes[index]?.score ?? 0,
    })),
  );
  const hostile = rows.filter(({ label }) => label === 0).length;
  const falseHits = rows.filter(({ label }, index) => label === 0 && outcomes[index]?.serve === true).length;
  times.sort((a, b) => a - b);
  return {
    figures: {
      ...figures,
      falseHitRate: falsePositiveRate,
      falseHitInterval: wilson(falseHits, hostile),
      decidedBy: countedBy(rows, outcomes),
      escalated: 1,
      abstained: 0,
      textsPerSecond: Math.round((2 * rows.length) / ((encodedMs + 1) / 1_000)),
      p50Us: Math.round(times[Math.floor(times.length / 2)] ?? 0),
    },
  };
}

async function vectorsOf(
  texts: readonly string[],
  embedder: Embedder,
  window: TextWindow,
  progress: TaskParts["progress"],
): Promise<ReadonlyMap<string, Float32Array | null>> {
  const vectors = new Map<string, Float32Array | null>();
  for (let at = 0; at < texts.length; at += CHUNK) {
    progress(at, texts.length);
    const chunk = texts.slice(at, at + CHUNK);
    const embeddings = await embedder.embed(
      chunk.map((text) => ({ text, window })),
      { deadline: systemClock.now() + ENCODE_TIMEOUT_MS },
    );
    // The vector of a part says nothing of the whole: such a text is never compared.
    embeddings.forEach(({ vector, sampled }, index) => vectors.set(chunk[index] as string, sampled ? null : vector));
  }
  progress(texts.length, texts.length);
  return vectors;
}

function cosineOf(one: Float32Array | null | undefined, other: Float32Array | null | undefined): number {
  if (one === null || one === undefined || other === null || other === undefined) return Number.NaN;
  return one.reduce((sum, value, index) => sum + value * (other[index] ?? 0), 0);
}

/** countedBy says how many pairs of each kind were decided by what. */
function countedBy(rows: readonly { readonly label: number }[], outcomes: readonly { readonly by: string }[]) {
  const counts: Record<string, { equal: number; different: number }> = {};
  outcomes.forEach(({ by }, index) => {
    const count = (counts[by] ??= { equal: 0, different: 0 });
    count[rows[index]?.label === 1 ? "equal" : "different"] += 1;
  });
  return counts;
}
