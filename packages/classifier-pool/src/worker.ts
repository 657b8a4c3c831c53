/**
 * The thread entry: one batch in, one outcome out. It holds one encoder, loaded when the thread starts, and further models from their
 * first batch on. No telemetry SDK, no timers, no network; its functions never throw, so that a rejected task always means a dead
 * thread. What it imports is loaded once per worker: of `@turnout/shared` only the errors, which saves 7 MB each. Called by threads.ts.
 */
import { getPriority, setPriority } from "node:os";
import { threadId, workerData } from "node:worker_threads";
import { RouterError } from "@turnout/shared/errors";
import { batchOf, runBatch } from "./backends/warm-up.ts";
import { classifyTokens, type ReadText } from "./classify-tokens.ts";
import { applyHeads } from "./heads.ts";
import { LoadedModels, type LoadedModel } from "./loaded-models.ts";
import {
  transferVectors,
  type Batch,
  type BatchReply,
  type EncodeJob,
  type Failure,
  type HeadLogits,
  type LoadFailure,
  type ModelSettings,
  type TextReply,
  type WarmUp,
  type WarmUpReply,
} from "./messages.ts";
import type { TextScanner } from "./tokens/scanner.ts";

/** The encoder's settings were written by threads.ts; this is the one place where they cross untyped. */
const encoderSettings = workerData as ModelSettings;

/** Mild on purpose: with more, any other busy process of the machine would starve the encoder. */
const NICENESS = 3;
const MOST_NICE = 19;

giveWay();

/**
 * giveWay lets the front's thread run first where both want the same core: its event loop answers every request, this thread a few.
 * With 2 cores and 32 clients the front's delay (p99) fell from 13 to 7 ms. On Linux priority 0 means the calling thread, elsewhere
 * the whole process.
 */
function giveWay(): void {
  if (process.platform !== "linux") return;
  try {
    setPriority(0, Math.min(getPriority(0) + NICENESS, MOST_NICE));
  } catch {
    // A sandbox that forbids it costs promptness, not answers.
  }
}

const models = new LoadedModels();
// Loading begins with the thread, before anybody asks.
models.get(encoderSettings).catch(() => undefined);

const warmUpJobs: readonly EncodeJob[] = [
  { parts: ["a first text, so that the first caller does not pay"], window: { maxTokens: 16, sampling: "head" }, heads: [] },
];

/** warmUp answers once the encoder is loaded and has run, and the models to preload have been tried. `performance.now()` counts from the start of this thread. */
export async function warmUp({ preload }: WarmUp): Promise<WarmUpReply> {
  const reply = await runJobs(encoderSettings, warmUpJobs);
  if (!reply.ok) {
    models.forget(encoderSettings);
    models.get(encoderSettings).catch(() => undefined);
    return reply;
  }
  const loaded: string[] = [];
  const failed: LoadFailure[] = [];
  for (const settings of preload) {
    const { key } = settings;
    const further = await runJobs(settings, warmUpJobs);
    if (further.ok) loaded.push(key);
    else failed.push({ key, message: further.message });
  }
  // Where the process exposes it: a third of the heap is what loading left behind, and V8 would keep it for want of growth.
  globalThis.gc?.({ type: "major", execution: "sync", flavor: "last-resort" });
  return { ok: true, threadId, warmUpMs: performance.now(), batching: reply.batching, loaded, failed };
}

/** encode runs one batch. Its value is a BatchReply with the vectors' memory marked for transfer. */
export async function encode({ model, jobs }: Batch): Promise<unknown> {
  const reply = await runJobs(model ?? encoderSettings, jobs);
  return reply.ok ? transferVectors(reply) : reply;
}

async function runJobs(settings: ModelSettings, jobs: readonly EncodeJob[]): Promise<BatchReply> {
  let unloaded = true;
  try {
    const model = await models.get(settings);
    unloaded = false;
    const started = performance.now();
    const answer = model.encoder.scanner === undefined ? await vectorsOf(model, jobs) : await scansOf(model, model.encoder.scanner, jobs);
    const { tokenized, ...outcome } = answer;
    return {
      ok: true,
      ...outcome,
      tokenizeMs: tokenized - started,
      computeMs: performance.now() - tokenized,
      threadId,
      batching: model.batching,
    };
  } catch (error) {
    return { ...failure(error), unloaded };
  }
}

/** BatchOutcome is a batch's answer, and when its texts had been tokenized. */
interface BatchOutcome extends Pick<Extract<BatchReply, { ok: true }>, "texts" | "vectors" | "logits"> {
  readonly tokenized: number;
}

async function vectorsOf({ settings, encoder, heads, batching }: LoadedModel, jobs: readonly EncodeJob[]): Promise<BatchOutcome> {
  const rows: (readonly number[])[] = [];
  // A text that cannot be tokenized fails alone and gets no row.
  const texts = jobs.map((job): TextReply => {
    try {
      const { ids, sampled } = encoder.tokenizer.tokenize(job);
      rows.push(ids);
      return { ok: true, row: rows.length - 1, tokens: ids.length, sampled };
    } catch (error) {
      return failure(error);
    }
  });
  const tokenized = performance.now();
  const output = rows.length === 0 ? new Float32Array(0) : await runBatch(encoder, batchOf(rows), batching);
  const asked = new Set(jobs.flatMap((job) => job.heads));
  const { classification } = settings;
  if (classification === null) return { tokenized, texts, vectors: output, logits: applyHeads(heads, asked, output, rows.length) };
  const logits = asked.has(classification.name) ? wholeHead(classification, output) : null;
  return { tokenized, texts, vectors: new Float32Array(0), logits };
}

async function scansOf(model: LoadedModel, scanner: TextScanner, jobs: readonly EncodeJob[]): Promise<BatchOutcome> {
  const read = jobs.map(({ parts: [text], window }): ReadText | Failure => {
    try {
      return { text, reading: scanner(text, window.maxTokens) };
    } catch (error) {
      return failure(error);
    }
  });
  const tokenized = performance.now();
  const scans = (
    await classifyTokens(
      model,
      read.filter((text) => "reading" in text),
    )
  ).values();
  const texts = read.map((text): TextReply => {
    if (!("reading" in text)) return text;
    const scan = scans.next().value;
    const sampled = text.reading.scannedChars < text.text.length;
    return { ok: true, row: 0, tokens: text.reading.tokens, sampled, ...(scan === undefined ? {} : { scan }) };
  });
  return { tokenized, texts, vectors: new Float32Array(0), logits: null };
}

/** wholeHead is the output of a model that classifies and does nothing else. */
function wholeHead({ name, labels }: NonNullable<ModelSettings["classification"]>, values: Float32Array): HeadLogits {
  return { spans: [{ name, start: 0, labels }], width: labels, values };
}

function failure(thrown: unknown): Failure {
  const { code, message } = RouterError.from(thrown);
  return { ok: false, code, message };
}
