import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { codingsOf, createInflater, isSupported } from "./content-encoding.ts";

const text = JSON.stringify({ model: "auto", words: "leaf ".repeat(200) });

const decode = (body: Uint8Array, codings: readonly string[], maxBytes: number, signal?: AbortSignal) =>
  createInflater()(body, codings, { maxBytes, ...(signal === undefined ? {} : { signal }) });

describe("inflate", () => {
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

  it("rejects with the reason when the caller leaves", async () => {
    const controller = new AbortController();
    const result = decode(gzipSync(Buffer.alloc(50_000_000)), ["gzip"], 100_000_000, controller.signal);
    controller.abort(new Error("gone"));
    await expect(result).rejects.toThrow("gone");
    await expect(decode(gzipSync(text), ["gzip"], 1_000_000, controller.signal)).rejects.toThrow("gone");
  });

  it("inflates a few at a time, however many come, and sheds beyond a bound", async () => {
    const inflate = createInflater();
    const bomb = gzipSync(Buffer.alloc(200_000));
    const count = (results: readonly PromiseSettledResult<unknown>[], status: string) =>
      results.filter((result) => result.status === status).length;
    const many = await Promise.allSettled(Array.from({ length: 300 }, () => inflate(bomb, ["gzip"], { maxBytes: 10_000_000 })));
    expect(count(many, "rejected")).toBeGreaterThanOrEqual(40);
    for (const result of many)
      if (result.status === "rejected") expect(result.reason).toMatchObject({ code: "overloaded", httpStatus: 503 });
    // All turns were given back.
    const few = await Promise.allSettled(Array.from({ length: 20 }, () => inflate(gzipSync(text), ["gzip"], { maxBytes: 10_000 })));
    expect(count(few, "fulfilled")).toBe(20);
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
