import type { IncomingMessage } from "node:http";
import { RouterError } from "@turnout/shared";

/**
 * Reading request bodies under three bounds: bytes of one body, bytes of all bodies together, time. It never answers and never
 * forwards; the gateway's request walk decides what a refusal looks like.
 */

/** HeldBytes counts the body bytes that all requests together hold in memory. */
export class HeldBytes {
  #held = 0;
  readonly #onChange: (held: number) => void;

  constructor(onChange: (held: number) => void) {
    this.#onChange = onChange;
  }

  /** take reserves bytes and says whether they fit under `limit`; refused bytes are not counted. */
  take(bytes: number, limit: number): boolean {
    if (this.#held + bytes > limit) return false;
    this.#held += bytes;
    this.#onChange(this.#held);
    return true;
  }

  /** give returns bytes that were taken. */
  give(bytes: number): void {
    this.#held -= bytes;
    this.#onChange(this.#held);
  }
}

/** BodyBounds are the limits of one body: bytes, milliseconds, and bytes of all bodies together. */
export interface BodyBounds {
  readonly maxBodyBytes: number;
  readonly bodyTimeoutMs: number;
  readonly maxHeldBytes: number;
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
    const chunks: Buffer[] = [];
    let size = 0;
    const timer = setTimeout(() => finish(() => resolve({ kind: "refused", reason: "too_slow" })), bounds.bodyTimeoutMs);
    request.on("data", onData).on("end", onEnd).on("error", onError);
    signal.addEventListener("abort", onAbort);
    if (signal.aborted) onAbort();

    function onData(chunk: Buffer): void {
      if (size + chunk.length > bounds.maxBodyBytes) {
        finish(() => resolve({ kind: "refused", reason: "too_large" }));
      } else if (!held.take(chunk.length, bounds.maxHeldBytes)) {
        finish(() => reject(new RouterError("overloaded", "too many request bodies are in flight; try again")));
      } else {
        size += chunk.length;
        chunks.push(chunk);
      }
    }
    function onEnd(): void {
      const taken = size;
      size = 0;
      const release = () => held.give(taken);
      finish(() => resolve({ kind: "whole", bytes: chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks), release }));
    }
    function onError(error: Error): void {
      finish(() => reject(new RouterError("cancelled", "the client left while sending its body", { cause: error })));
    }
    function onAbort(): void {
      finish(() => reject(signal.reason));
    }
    function finish(settle: () => void): void {
      clearTimeout(timer);
      request.off("data", onData).off("end", onEnd).off("error", onError).pause();
      signal.removeEventListener("abort", onAbort);
      if (size > 0) held.give(size);
      size = 0;
      settle();
    }
  });
}
