/** Bounded waiting for replies: every call has a limit of its own, and a caller who may leave earlier. */
import { RouterError, type CallOptions, type Clock } from "@turnout/shared";
import { ReplyTimeout } from "./failure.ts";

/**
 * replyWithin gives the reply, or rejects with ReplyTimeout after `limitMs`. ioredis has a timeout of its own (commandTimeout), but it also
 * cuts the handshake of a new connection, and it fires before a reply that lay in the socket while this process was busy: here the loop
 * turns once more before a late reply counts as missing.
 */
export function replyWithin<Reply>(reply: Promise<Reply>, limitMs: number): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => setImmediate(() => reject(new ReplyTimeout(`no reply within ${limitMs} ms`))), limitMs);
    reply.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

/** forCaller gives what `work` gives, unless the caller leaves or its deadline passes; the work goes on by itself. */
export function forCaller<Value>(work: Promise<Value>, { signal, deadline }: CallOptions, clock: Pick<Clock, "now">): Promise<Value> {
  if (signal === undefined && deadline === undefined) return work;
  return new Promise((resolve, reject) => {
    const leave = () => reject(new RouterError("cancelled", "the caller left"));
    const expire = () => reject(new RouterError("deadline_exceeded", "the deadline passed while Redis was being asked"));
    const timer = deadline === undefined ? undefined : setTimeout(expire, Math.max(0, deadline - clock.now()));
    if (signal?.aborted === true) leave();
    signal?.addEventListener("abort", leave, { once: true });
    work.then(resolve, reject).finally(() => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", leave);
    });
  });
}

/** pause waits, or returns at once when `signal` is aborted. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener("abort", end, { once: true });
  });
}
