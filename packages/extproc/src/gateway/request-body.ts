import type { IncomingMessage } from "node:http";
import { RouterError } from "@turnout/shared";
import { BodyCollector, type CollectorLimits, type HeldBytes } from "../held-bytes.ts";

/**
 * Reading request bodies under three bounds: bytes of one body, bytes of all bodies together, time. It never answers and never
 * forwards; the gateway's request walk decides what a refusal looks like.
 */

/** BodyBounds are the limits of one body: bytes, milliseconds, and bytes of all bodies together. */
export interface BodyBounds extends CollectorLimits {
  readonly bodyTimeoutMs: number;
}

/** HeldBody is a body that was read whole, or why it was not. `release` gives its bytes back, once. */
export type HeldBody =
  | { readonly kind: "whole"; readonly bytes: Buffer; release(): void }
  | { readonly kind: "refused"; readonly reason: "too_large" | "too_slow" };

/**
 * readBody collects a request's body. Rejects with RouterError "overloaded" when all bodies together hold too much, and with
 * the signal's reason when the client leaves. After a refusal the rest of the body is unread: the connection cannot be reused.
 */
export function readBody(request: IncomingMessage, bounds: BodyBounds, held: HeldBytes, signal: AbortSignal): Promise<HeldBody> {
  const declared = Number(request.headers["content-length"] ?? 0);
  if (declared > bounds.maxBodyBytes) return Promise.resolve({ kind: "refused", reason: "too_large" });

  return new Promise((resolve, reject) => {
    const collector = new BodyCollector(held, bounds);
    const timer = setTimeout(() => finish(() => resolve({ kind: "refused", reason: "too_slow" })), bounds.bodyTimeoutMs);
    request.on("data", onData).on("end", onEnd).on("error", onError);
    signal.addEventListener("abort", onAbort);
    if (signal.aborted) onAbort();

    function onData(chunk: Buffer): void {
      switch (collector.add(chunk)) {
        case "held":
          break;
        case "too_large":
          finish(() => resolve({ kind: "refused", reason: "too_large" }));
          break;
        case "no_room":
          finish(() => reject(new RouterError("overloaded", "too many request bodies are in flight; try again")));
      }
    }
    function onEnd(): void {
      stop();
      resolve({ kind: "whole", bytes: collector.bytes(), release: () => collector.release() });
    }
    function onError(error: Error): void {
      finish(() => reject(new RouterError("cancelled", "the client left while sending its body", { cause: error })));
    }
    function onAbort(): void {
      finish(() => reject(signal.reason));
    }
    function stop(): void {
      clearTimeout(timer);
      request.off("data", onData).off("end", onEnd).off("error", onError).pause();
      signal.removeEventListener("abort", onAbort);
    }
    function finish(settle: () => void): void {
      stop();
      collector.release();
      settle();
    }
  });
}
