/**
 * The thread entry: one batch in, one outcome out. It holds one encoder and its heads, loaded when the thread starts. No telemetry
 * SDK, no timers, no network; its functions never throw, so that a rejected task always means a dead thread. What it imports is
 * loaded once per worker: of `@turnout/shared` only the errors, which saves 7 MB each. Called by threads.ts.
 */
import { getPriority, setPriority } from "node:os";
import { threadId, workerData } from "node:worker_threads";
import type { EncoderBatching } from "@turnout/shared";
import { RouterError } from "@turnout/shared/errors";
import { loadEncoder, type Encoder, type TokenBatch } from "./backends/index.ts";
import { batchOf, inspectEncoder, runBatch } from "./backends/warm-up.ts";
import { applyHeads, loadHeads, type HeadMatrix } from "./heads.ts";
import {
  transferVectors,
  type BatchReply,
  type EncodeJob,
  type Failure,
  type HeadLogits,
  type TextReply,
  type WarmUpReply,
  type WorkerSettings,
} from "./messages.ts";

/** The settings were written by threads.ts; this is the one place where they cross untyped. */
const settings = workerData as WorkerSettings;

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

/** The thread's one model. Loading begins with the thread, and again after a warm-up that failed. */
const thread = { loading: beginLoading() };

interface Loaded {
  readonly encoder: Encoder;
  readonly heads: HeadMatrix;
  readonly batching: EncoderBatching;
}

function beginLoading(): Promise<Loaded> {
  const loading = load();
  // Whoever asks hears of a failure; an unheard one must not end the thread.
  loading.catch(() => undefined);
  return loading;
}

/** Each worker inspects its encoder: what it bears is the same for all, and costs some short runs that it needs anyway. */
async function load(): Promise<Loaded> {
  const [encoder, heads] = await Promise.all([loadEncoder(settings), loadHeads(settings)]);
  return { encoder, heads, batching: await inspectEncoder(encoder, settings.classification === null) };
}

const warmUpJobs: readonly EncodeJob[] = [
  { parts: ["a first text, so that the first caller does not pay"], window: { maxTokens: 16, sampling: "head" }, heads: [] },
];

/** warmUp answers once the encoder is loaded and has run. `performance.now()` counts from the start of this thread. */
export async function warmUp(): Promise<WarmUpReply> {
  const reply = await encodeBatch(warmUpJobs);
  if (reply.ok) return { ok: true, threadId, warmUpMs: performance.now(), batching: (await thread.loading).batching };
  thread.loading = beginLoading();
  return reply;
}

/** encode runs one batch. Its value is a BatchReply with the vectors' memory marked for transfer. */
export async function encode(jobs: readonly EncodeJob[]): Promise<unknown> {
  const reply = await encodeBatch(jobs);
  return reply.ok ? transferVectors(reply) : reply;
}

async function encodeBatch(jobs: readonly EncodeJob[]): Promise<BatchReply> {
  try {
    const { encoder, heads, batching } = await thread.loading;
    const started = performance.now();
    const { texts, batch } = tokenize(encoder, jobs);
    const tokenized = performance.now();
    const output = batch.rows === 0 ? new Float32Array(0) : await runBatch(encoder, batch, batching);
    const asked = new Set(jobs.flatMap((job) => job.heads));
    const { classification } = settings;
    const answer =
      classification === null
        ? { vectors: output, logits: applyHeads(heads, asked, output, batch.rows) }
        : { vectors: new Float32Array(0), logits: asked.has(classification.name) ? wholeHead(classification, output) : null };
    return { ok: true, texts, ...answer, tokenizeMs: tokenized - started, computeMs: performance.now() - tokenized };
  } catch (error) {
    return failure(error);
  }
}

/** tokenize makes the padded batch; a text that cannot be tokenized fails alone and gets no row. */
function tokenize({ tokenizer }: Encoder, jobs: readonly EncodeJob[]): { texts: TextReply[]; batch: TokenBatch } {
  const texts: TextReply[] = [];
  const rows: (readonly number[])[] = [];
  for (const job of jobs) {
    try {
      const { ids, sampled } = tokenizer.tokenize(job);
      texts.push({ ok: true, row: rows.length, tokens: ids.length, sampled });
      rows.push(ids);
    } catch (error) {
      texts.push(failure(error));
    }
  }
  return { texts, batch: batchOf(rows) };
}

/** wholeHead is the output of a model that classifies and does nothing else. */
function wholeHead({ name, labels }: NonNullable<WorkerSettings["classification"]>, values: Float32Array): HeadLogits {
  return { spans: [{ name, start: 0, labels }], width: labels, values };
}

function failure(thrown: unknown): Failure {
  const { code, message } = RouterError.from(thrown);
  return { ok: false, code, message };
}
