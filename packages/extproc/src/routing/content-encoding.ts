/**
 * Inflates compressed request bodies under bounds: on one body's size, so that a small body cannot become a large one; on how many are
 * inflated at once, so that a thousand small bodies cannot together; and on time. Called by the exchange.
 */
import { addAbortSignal, type Transform } from "node:stream";
import { createBrotliDecompress, createGunzip, createInflate, createInflateRaw, createZstdDecompress } from "node:zlib";
import { RouterError } from "@turnout/shared";

/** Inflate gives the plain body. Rejects with `body_too_large`, `encoding_refused` when it is broken, `overloaded`, or the signal's reason. */
export type Inflate = (
  body: Uint8Array,
  codings: readonly string[],
  options: { readonly maxBytes: number; readonly signal?: AbortSignal },
) => Promise<Uint8Array>;

/** Larger than zlib's own 16 KB: each piece is a hop to another thread. */
const chunkSize = 64 * 1024;

const decoders: Readonly<Record<string, (body: Uint8Array) => Transform>> = {
  gzip: () => createGunzip({ chunkSize }),
  "x-gzip": () => createGunzip({ chunkSize }),
  br: () => createBrotliDecompress({ chunkSize }),
  zstd: () => createZstdDecompress({ chunkSize }),
  // "deflate" means zlib's format, but some clients send the bare stream.
  deflate: (body) => (isZlib(body) ? createInflate({ chunkSize }) : createInflateRaw({ chunkSize })),
};

/** As many as zlib has threads; each holds up to the largest body. */
const CONCURRENT = 4;
/** Bodies that may wait for their turn; they are held compressed. */
const MAX_WAITING = 256;
/** From arrival to the plain body, ms. Longer than a routing deadline: without the plain body there is no model to write. */
const TIMEOUT_MS = 1_000;

/** codingsOf lists the codings of a content-encoding header in the order in which they were applied; "identity" is none. */
export function codingsOf(header: string | undefined): readonly string[] {
  return (header ?? "")
    .split(",")
    .map((coding) => coding.trim().toLowerCase())
    .filter((coding) => coding !== "" && coding !== "identity");
}

/** isSupported is true when an Inflate knows all codings. A stack of several is refused: nobody sends one but to do harm. */
export function isSupported(codings: readonly string[]): boolean {
  return codings.length <= 1 && codings.every((coding) => Object.hasOwn(decoders, coding));
}

/** createInflater makes the one that all requests share. */
export function createInflater(): Inflate {
  let running = 0;
  const waiting: (() => void)[] = [];

  /** Waits for a turn, which `endTurn` then hands on. */
  function turn(signal: AbortSignal): Promise<void> {
    if (running < CONCURRENT) {
      running += 1;
      return Promise.resolve();
    }
    if (waiting.length >= MAX_WAITING) return Promise.reject(overloaded());
    return new Promise((resolve, reject) => {
      const begin = () => {
        signal.removeEventListener("abort", leave);
        resolve();
      };
      const leave = () => {
        waiting.splice(waiting.indexOf(begin), 1);
        reject(signal.reason);
      };
      waiting.push(begin);
      signal.addEventListener("abort", leave, { once: true });
    });
  }

  function endTurn(): void {
    const next = waiting.shift();
    if (next === undefined) running -= 1;
    else next();
  }

  return async (body, codings, { maxBytes, signal }) => {
    const late = AbortSignal.timeout(TIMEOUT_MS);
    const until = signal === undefined ? late : AbortSignal.any([signal, late]);
    try {
      until.throwIfAborted();
      await turn(until);
      try {
        let plain = body;
        for (const coding of codings.toReversed()) plain = await inflated(plain, coding, maxBytes, until);
        return plain;
      } finally {
        endTurn();
      }
    } catch (error) {
      signal?.throwIfAborted();
      throw late.aborted ? overloaded() : error;
    }
  };
}

async function inflated(body: Uint8Array, coding: string, maxBytes: number, signal: AbortSignal): Promise<Uint8Array> {
  const decoder = decoders[coding]?.(body);
  if (decoder === undefined) throw new RouterError("encoding_refused", `content-encoding ${coding} is not known`);
  const pieces: Buffer[] = [];
  let size = 0;
  try {
    addAbortSignal(signal, decoder).end(body);
    for await (const piece of decoder as AsyncIterable<Buffer>) {
      size += piece.length;
      if (size > maxBytes) break;
      pieces.push(piece);
    }
  } catch (cause) {
    throw new RouterError("encoding_refused", `the body is not valid ${coding}`, { cause });
  }
  if (size > maxBytes) throw new RouterError("body_too_large", `the body inflates to more than ${maxBytes} bytes`);
  return Buffer.concat(pieces);
}

function overloaded(): RouterError {
  return new RouterError("overloaded", "too many compressed bodies are being inflated; try again, or send them plain");
}

/** isZlib looks at the two bytes of zlib's header: method 8, and a check sum. */
function isZlib([method = 0, flags = 0]: Uint8Array): boolean {
  return (method & 0x0f) === 8 && (method * 256 + flags) % 31 === 0;
}
