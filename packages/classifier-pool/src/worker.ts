/**
 * The thread entry: one batch in, one outcome out. It holds one encoder, loaded when the thread starts. No telemetry SDK, no
 * timers, no network; its functions never throw, so that a rejected task always means a dead thread. Called by threads.ts.
 */
import { threadId, workerData } from "node:worker_threads";
import { RouterError } from "@turnout/shared";
import { loadEncoder, type Encoder, type TokenBatch } from "./backends/index.ts";
import {
  transferVectors,
  type BatchReply,
  type Failure,
  type TextJob,
  type TextReply,
  type WarmUpReply,
  type WorkerSettings,
} from "./messages.ts";

/** The settings were written by threads.ts; this is the one place where they cross untyped. */
const settings = workerData as WorkerSettings;

/** The thread's one encoder. Loading begins with the thread, and again after a warm-up that failed. */
const thread = { loading: beginLoading() };

function beginLoading(): Promise<Encoder> {
  const loading = loadEncoder(settings);
  // Whoever asks hears of a failure; an unheard one must not end the thread.
  loading.catch(() => undefined);
  return loading;
}

const warmUpJobs: readonly TextJob[] = [
  { parts: ["a first text, so that the first caller does not pay"], window: { maxTokens: 16, sampling: "head" } },
];

/** warmUp answers once the encoder is loaded and has run. `performance.now()` counts from the start of this thread. */
export async function warmUp(): Promise<WarmUpReply> {
  const reply = await encodeBatch(warmUpJobs);
  if (reply.ok) return { ok: true, threadId, warmUpMs: performance.now() };
  thread.loading = beginLoading();
  return reply;
}

/** encode runs one batch. Its value is a BatchReply with the vectors' memory marked for transfer. */
export async function encode(jobs: readonly TextJob[]): Promise<unknown> {
  const reply = await encodeBatch(jobs);
  return reply.ok ? transferVectors(reply) : reply;
}

async function encodeBatch(jobs: readonly TextJob[]): Promise<BatchReply> {
  try {
    const encoder = await thread.loading;
    const started = performance.now();
    const { texts, batch } = tokenize(encoder, jobs);
    const tokenized = performance.now();
    const vectors = batch.rows === 0 ? new Float32Array(0) : await encoder.run(batch);
    return { ok: true, texts, vectors, tokenizeMs: tokenized - started, computeMs: performance.now() - tokenized };
  } catch (error) {
    return failure(error);
  }
}

/** tokenize makes the padded batch; a text that cannot be tokenized fails alone and gets no row. */
function tokenize({ tokenizer }: Encoder, jobs: readonly TextJob[]): { texts: TextReply[]; batch: TokenBatch } {
  const texts: TextReply[] = [];
  const rows: (readonly number[])[] = [];
  let width = 0;
  for (const job of jobs) {
    try {
      const { ids, sampled } = tokenizer.tokenize(job);
      texts.push({ ok: true, row: rows.length, tokens: ids.length, sampled });
      rows.push(ids);
      width = Math.max(width, ids.length);
    } catch (error) {
      texts.push(failure(error));
    }
  }
  const ids = new Int32Array(rows.length * width);
  for (const [row, values] of rows.entries()) ids.set(values, row * width);
  return { texts, batch: { rows: rows.length, width, ids, lengths: Int32Array.from(rows, (row) => row.length) } };
}

function failure(thrown: unknown): Failure {
  const { code, message } = RouterError.from(thrown);
  return { ok: false, code, message };
}
