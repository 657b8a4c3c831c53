import { describe, expect, it } from "vitest";
import { assumeRequestHead, decodeRequestHead, decodeResponseHead, guessGateway } from "./decode.ts";

const raw = (key: string, value: string | Buffer) => ({ key, rawValue: Buffer.from(value) });

describe("decoding heads", () => {
  it("reads raw_value, then value, with pseudo headers anywhere", () => {
    const head = decodeRequestHead({
      headers: {
        headers: [
          { key: "X-One", value: "1" },
          raw(":path", "/v1/x?y"),
          { key: "two", value: "no", rawValue: Buffer.from("2") },
          { key: ":method", value: "PUT" },
          { key: "three" },
        ],
      },
    });
    expect(head).toEqual({
      method: "PUT",
      path: "/v1/x?y",
      headers: [
        ["x-one", "1"],
        ["two", "2"],
        ["three", ""],
      ],
      endOfStream: false,
    });
  });

  it("keeps every value of a repeated header, in order", () => {
    const { headers } = decodeRequestHead({ headers: { headers: [raw("a", "1"), raw("b", "2"), raw("a", "3")] } });
    expect(headers).toEqual([
      ["a", "1"],
      ["b", "2"],
      ["a", "3"],
    ]);
  });

  it("takes bytes that are not UTF-8, missing keys and missing maps", () => {
    expect(decodeRequestHead({ headers: { headers: [raw("a", Buffer.from([0xff, 0x61])), { value: "x" }] } }).headers).toEqual([
      ["a", "\ufffda"],
    ]);
    expect(decodeRequestHead({})).toEqual({ method: "GET", path: "/", headers: [], endOfStream: false });
  });

  it.each([
    ["200", 200],
    ["", 0],
    ["abc", 0],
    ["2.5", 0],
  ])("reads status %j as %j", (text, status) => {
    expect(decodeResponseHead({ headers: { headers: [raw(":status", text)] } }).status).toBe(status);
  });
});

describe("guessGateway", () => {
  it.each([
    ["pseudo headers in raw_value", [raw(":method", "POST"), raw("a", "1")], "envoy"],
    ["pseudo headers in value", [raw("a", "1"), { key: ":method", value: "POST" }], "agentgateway"],
    ["none at all", [raw("a", "1")], "envoy"],
    ["nothing", [], "envoy"],
  ] as const)("%s", (_name, headers, gateway) => {
    expect(guessGateway({ headers: [...headers] })).toBe(gateway);
  });
});

describe("assumeRequestHead", () => {
  it("believes attributes and falls back to a chat completion", () => {
    const fields = { "request.path": { stringValue: "/v1/completions" }, "request.method": { stringValue: "" } };
    expect(assumeRequestHead({ "envoy.filters.http.ext_proc": { fields } })).toMatchObject({ method: "POST", path: "/v1/completions" });
    expect(assumeRequestHead(undefined)).toMatchObject({ method: "POST", path: "/v1/chat/completions" });
  });
});
