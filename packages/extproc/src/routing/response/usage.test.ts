import { describe, expect, it } from "vitest";
import { createUsageReader } from "./usage.ts";

const usage = { prompt_tokens: 12, completion_tokens: 3, total_tokens: 15 };
const found = { promptTokens: 12, completionTokens: 3, cachedTokens: 0, reasoningTokens: 0 };

const events = (...data: readonly string[]) => Buffer.from(data.map((line) => `data: ${line}\n\n`).join(""));
const delta = JSON.stringify({ choices: [{ delta: { content: "das Blatt \u{1F33F}" } }], usage: null });
const last = JSON.stringify({ choices: [], usage });

function read(contentType: string, chunks: readonly Uint8Array[]) {
  const reader = createUsageReader(contentType);
  for (const chunk of chunks) reader?.push(chunk);
  return reader?.end().usage;
}

describe("usage of a JSON response", () => {
  const body = Buffer.from(JSON.stringify({ choices: [{ message: { content: "grün" } }], usage }));

  it("is found wherever the body is cut", () => {
    for (let cut = 0; cut <= body.length; cut += 1) {
      expect(read("application/json; charset=utf-8", [body.subarray(0, cut), body.subarray(cut)])).toEqual(found);
    }
  });

  it.each([
    "",
    "{",
    "[]",
    "null",
    '{"usage":null}',
    '{"usage":{"prompt_tokens":"12"}}',
    '{"usage":{"prompt_tokens":-1,"completion_tokens":1e400}}',
  ])("is null in %j", (text) => {
    expect(read("application/json", [Buffer.from(text)])).toBeNull();
  });

  it("is not looked for in a body beyond the bound", () => {
    const large = Buffer.from(JSON.stringify({ padding: "x".repeat(5_000_000), usage }));
    expect(read("application/json", [large.subarray(0, 3_000_000), large.subarray(3_000_000)])).toBeNull();
  });
});

describe("usage of an event stream", () => {
  const stream = events(delta, delta, last, "[DONE]");

  it("is found wherever the stream is cut", () => {
    for (let cut = 0; cut <= stream.length; cut += 1) {
      expect(read("text/event-stream", [stream.subarray(0, cut), stream.subarray(cut)])).toEqual(found);
    }
    expect(
      read(
        "text/event-stream",
        Array.from(stream, (byte) => Uint8Array.of(byte)),
      ),
    ).toEqual(found);
  });

  it("takes the latest count, carriage returns and a missing last newline notwithstanding", () => {
    const early = JSON.stringify({ usage: { prompt_tokens: 12, completion_tokens: 1 } });
    expect(read("text/event-stream", [Buffer.from(`data: ${early}\r\n\r\ndata: ${last}`)])).toEqual(found);
  });

  it("is null when the stream has none", () => {
    expect(read("text/event-stream", [events(delta, '{"usage"', "[DONE]")])).toBeNull();
  });

  it("passes over a line beyond the bound and reads on", () => {
    const long = Buffer.from(`data: ${"x".repeat(5_000_000)}\n\n`);
    expect(read("text/event-stream", [long, events(last)])).toEqual(found);
  });
});

it.each([undefined, "text/plain", "audio/mpeg"])("reads nothing of %s", (contentType) => {
  expect(createUsageReader(contentType)).toBeNull();
});

describe("what an upstream says beside its counts", () => {
  const choice = (index: number, finish_reason: string | null) => ({ index, delta: { content: "so" }, finish_reason });
  const detailed = {
    ...usage,
    prompt_tokens_details: { cached_tokens: 8 },
    completion_tokens_details: { reasoning_tokens: 2 },
  };
  const all = { usage: { ...found, cachedTokens: 8, reasoningTokens: 2 }, model: "served", finishReasons: ["stop", "length"] };
  const said = (contentType: string, body: Buffer) => {
    const reader = createUsageReader(contentType);
    reader?.push(body);
    return reader?.end();
  };

  it("is found in a JSON response", () => {
    const body = { model: "served", choices: [choice(0, "stop"), choice(1, "length")], usage: detailed };
    expect(said("application/json", Buffer.from(JSON.stringify(body)))).toEqual(all);
  });

  it("is found in an event stream, where each choice ends for itself", () => {
    const lines = [[choice(0, null)], [choice(0, "stop")], [choice(1, "length")]].map((choices) => ({ model: "served", choices }));
    const stream = events(...lines.map((line) => JSON.stringify(line)), JSON.stringify({ choices: [], usage: detailed }), "[DONE]");
    expect(said("text/event-stream", stream)).toEqual(all);
  });

  it.each(['{"model":7,"choices":{}}', '{"choices":[null,{"finish_reason":7}]}', "7"])("is nothing in %j", (text) => {
    expect(said("application/json", Buffer.from(text))).toEqual({ usage: null, model: null, finishReasons: [] });
  });
});
