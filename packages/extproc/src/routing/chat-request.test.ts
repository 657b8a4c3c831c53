import { describe, expect, it } from "vitest";
import { parseBody, promptRequest, routingRequest, textOf, type Endpoint } from "./chat-request.ts";

const parse = (text: string, endpoint: Endpoint = "chat") => {
  const body = parseBody(Buffer.from(text), endpoint);
  if (typeof body === "string") throw new TypeError(body);
  return body;
};

describe("parseBody", () => {
  it.each([
    [Buffer.from([0x7b, 0xff, 0x7d]), "invalid_utf8"],
    [Buffer.from('{"a":"\u{1F331}"}').subarray(0, 8), "invalid_utf8"],
    [Buffer.from(""), "malformed_json"],
    [Buffer.from('{"a":1,}'), "malformed_json"],
    [Buffer.from('{"a":1} // note'), "malformed_json"],
    [Buffer.from("{'a':1}"), "malformed_json"],
    [Buffer.from("[]"), "not_an_object"],
    [Buffer.from("null"), "not_an_object"],
    [Buffer.from('"auto"'), "not_an_object"],
    [Buffer.from(`{"x":[${"[],".repeat(250_000)}0]}`), "too_many_values"],
    [Buffer.from(`{${'"a":0,'.repeat(250_000)}"model":"auto"}`), "too_many_values"],
    [Buffer.from("[".repeat(300_000)), "too_many_values"],
  ])("says why %.40s cannot be read", (body, reason) => {
    expect(parseBody(body, "chat")).toBe(reason);
  });

  it("reads model and stream, whatever else is there; the last of repeated keys counts", () => {
    expect(parse('{"model":"a","x":{"model":"b","stream":true},"model":"c"}')).toMatchObject({ model: "c", stream: false });
    expect(parse('\uFEFF{"model":7,"stream":true}')).toMatchObject({ model: "", stream: true });
  });

  it("reads messages with string or parts, and leaves out what is none", () => {
    const messages = [
      { role: "system", content: "s" },
      {
        role: "user",
        content: [
          { type: "text", text: "a" },
          { type: "image_url", image_url: { url: "data:" } },
          { type: "text", text: "b" },
        ],
      },
      { role: "assistant", content: null, tool_calls: [] },
      { role: "wizard", content: "x" },
      "nonsense",
      null,
    ];
    expect(parse(JSON.stringify({ messages })).messages).toEqual([
      { role: "system", text: "s", imageParts: 0 },
      { role: "user", text: "a\nb", imageParts: 1 },
      { role: "assistant", text: "", imageParts: 0 },
    ]);
  });

  it.each([
    ['{"prompt":"p"}', [{ role: "user", text: "p", imageParts: 0 }]],
    ['{"prompt":["p","q"]}', [{ role: "user", text: "p\nq", imageParts: 0 }]],
    ['{"prompt":[1,2,3]}', []],
    ["{}", []],
  ])("reads the prompt of completions %s", (text, messages) => {
    expect(parse(text, "completions").messages).toEqual(messages);
  });
});

describe("routingRequest", () => {
  it("takes the last user message and counts the bytes of all", () => {
    const { messages, model, stream } = parse(
      '{"messages":[{"role":"user","content":"old"},{"role":"user","content":"水"},{"role":"assistant","content":"ok"}]}',
    );
    const head = { requestId: "1", method: "POST", path: "/", headers: new Map() };
    const request = routingRequest(head, { messages, model, stream });
    expect(request).toMatchObject({ userText: "水", textBytes: 8 });
    expect(Object.isFrozen(request)).toBe(true);
  });

  it("has an empty text when no user speaks", () => {
    expect(promptRequest([{ role: "assistant", text: "x", imageParts: 0 }]).userText).toBe("");
  });
});

it.each([
  ["a", "a"],
  [null, ""],
  [{ text: "a" }, ""],
  [[{ type: "text", text: "a" }, { type: "text" }, 3], "a"],
])("textOf %j is %j", (content, text) => {
  expect(textOf(content)).toBe(text);
});
