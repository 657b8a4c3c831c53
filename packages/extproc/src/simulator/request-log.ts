import type { HeaderEntry } from "@turnout/shared";

/** The last requests that reached the simulator, byte for byte: what tests look at to see what a router really sent. */

/** SeenRequest is one request; names of headers are lower-case, in the order they came. */
export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: readonly HeaderEntry[];
  readonly body: Buffer;
  /** Resolves when the response is complete, or when the caller left before. */
  readonly finished: Promise<"answered" | "aborted">;
}

/** Bodies kept together; the oldest requests are forgotten first. */
const MAX_KEPT_BYTES = 16 * 1024 * 1024;

export class RequestLog {
  readonly #limit: number;
  readonly #seen: SeenRequest[] = [];
  #bytes = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  add(request: SeenRequest): void {
    this.#seen.push(request);
    this.#bytes += request.body.length;
    while (this.#seen.length > this.#limit || this.#bytes > MAX_KEPT_BYTES) this.#bytes -= this.#seen.shift()?.body.length ?? 0;
  }

  list(): readonly SeenRequest[] {
    return [...this.#seen];
  }
}
