import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { codingsOf, decode, isSupported } from "./content-encoding.ts";

const text = JSON.stringify({ model: "auto", words: "leaf ".repeat(200) });

describe("decode", () => {
  it.each([
    ["gzip", gzipSync(text)],
    ["x-gzip", gzipSync(text)],
    ["deflate", deflateSync(text)],
    ["deflate", deflateRawSync(text)],
    ["br", brotliCompressSync(text)],
    ["zstd", zstdCompressSync(text)],
  ])("inflates %s", async (coding, body) => {
    expect(Buffer.from(await decode(body, [coding], text.length)).toString()).toBe(text);
  });

  it.each([
    ["gzip", gzipSync(Buffer.alloc(5_000_000))],
    ["deflate", deflateSync(Buffer.alloc(5_000_000))],
    ["br", brotliCompressSync(Buffer.alloc(5_000_000))],
    ["zstd", zstdCompressSync(Buffer.alloc(5_000_000))],
  ])("refuses a %s body that inflates beyond the limit", async (coding, bomb) => {
    expect(bomb.length).toBeLessThan(10_000);
    await expect(decode(bomb, [coding], 100_000)).rejects.toMatchObject({ code: "body_too_large", httpStatus: 413 });
  });

  it.each(["gzip", "deflate", "br", "zstd"])("refuses broken %s", async (coding) => {
    await expect(decode(Buffer.from("not compressed at all"), [coding], 1_000)).rejects.toMatchObject({ code: "encoding_refused" });
  });

  it("refuses gzip that is cut off", async () => {
    await expect(decode(gzipSync(text).subarray(0, -20), ["gzip"], 10_000)).rejects.toMatchObject({ code: "encoding_refused" });
  });
});

it.each([
  [undefined, [], true],
  ["", [], true],
  ["identity", [], true],
  [" GZip ", ["gzip"], true],
  ["gzip, br", ["gzip", "br"], false],
  ["compress", ["compress"], false],
  ["constructor", ["constructor"], false],
])("codings of %j are %j; supported: %s", (header, codings, supported) => {
  expect(codingsOf(header)).toEqual(codings);
  expect(isSupported(codings)).toBe(supported);
});
