/**
 * Cuts a submission into calls that a service takes: bounded in texts and in bytes, so that a request with very many or very long texts
 * fails, if at all, text by text. Pure. Called by the remote client.
 */
import type { Item } from "./protocol.ts";

/** Texts of one call. A service takes four times as many; but their vectors must fit into one reply, at 4 KB for 1024 dimensions. */
export const CALL_ITEMS = 256;
/** UTF-8 needs at most this for one UTF-16 unit; counting exactly would cost a pass over each text. */
const BYTES_PER_CHARACTER = 3;
/** Window, names of model and heads, trace context. */
const BYTES_PER_ITEM = 512;

/** splitCalls keeps the order. A single text that is larger than `maxMessageBytes` is a call of its own, which then fails alone. */
export function splitCalls<Question extends { readonly wire: Item }>(
  questions: readonly Question[],
  maxMessageBytes: number,
): Question[][] {
  const calls: Question[][] = [];
  let room = 0;
  for (const question of questions) {
    const bytes = (question.wire.text ?? "").length * BYTES_PER_CHARACTER + BYTES_PER_ITEM;
    const last = calls.at(-1);
    if (last === undefined || last.length === CALL_ITEMS || bytes > room) {
      calls.push([question]);
      room = maxMessageBytes - bytes;
    } else {
      last.push(question);
      room -= bytes;
    }
  }
  return calls;
}
