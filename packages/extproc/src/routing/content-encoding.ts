/** Inflates compressed request bodies under a bound, so that a small body cannot become a large one. Called by the exchange. */
import { promisify } from "node:util";
import { brotliDecompress, gunzip, inflate, inflateRaw, zstdDecompress, type InputType } from "node:zlib";
import { RouterError } from "@turnout/shared";

type Decoder = (body: InputType, options: { readonly maxOutputLength: number }) => Promise<Buffer>;

const decoders: Readonly<Record<string, Decoder>> = {
  gzip: promisify(gunzip),
  "x-gzip": promisify(gunzip),
  br: promisify(brotliDecompress),
  zstd: promisify(zstdDecompress),
  deflate: async (body, options) => {
    // "deflate" means zlib's format, but some clients send the bare stream.
    try {
      return await promisify(inflate)(body, options);
    } catch (error) {
      if (isTooLarge(error)) throw error;
      return promisify(inflateRaw)(body, options);
    }
  },
};

/** codingsOf lists the codings of a content-encoding header in the order in which they were applied; "identity" is none. */
export function codingsOf(header: string | undefined): readonly string[] {
  return (header ?? "")
    .split(",")
    .map((coding) => coding.trim().toLowerCase())
    .filter((coding) => coding !== "" && coding !== "identity");
}

/** isSupported is true when `decode` knows all codings. A stack of several is refused: nobody sends one but to do harm. */
export function isSupported(codings: readonly string[]): boolean {
  return codings.length <= 1 && codings.every((coding) => Object.hasOwn(decoders, coding));
}

/** decode gives the plain body. Throws `body_too_large` when it is over `maxBytes`, `encoding_refused` when it is broken. */
export async function decode(body: Uint8Array, codings: readonly string[], maxBytes: number): Promise<Uint8Array> {
  let plain = body;
  for (const coding of codings.toReversed()) {
    const decoder = decoders[coding];
    if (decoder === undefined) throw new RouterError("encoding_refused", `content-encoding ${coding} is not known`);
    try {
      plain = await decoder(plain, { maxOutputLength: maxBytes });
    } catch (cause) {
      if (isTooLarge(cause)) throw new RouterError("body_too_large", `the body inflates to more than ${maxBytes} bytes`, { cause });
      throw new RouterError("encoding_refused", `the body is not valid ${coding}`, { cause });
    }
  }
  return plain;
}

function isTooLarge(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ERR_BUFFER_TOO_LARGE";
}
