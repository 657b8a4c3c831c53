import { describe, expect, it } from "vitest";
import { parseEndpoint, resolve, systemLookup } from "./endpoint.ts";

describe("parseEndpoint", () => {
  it.each([
    ["dns:///classifier-headless:50052", { kind: "dns", host: "classifier-headless", port: 50_052 }],
    ["127.0.0.1:50052", { kind: "static", addresses: ["127.0.0.1:50052"] }],
    ["a:1, b:2,a:1", { kind: "static", addresses: ["a:1", "b:2"] }],
    ["[::1]:50052", { kind: "static", addresses: ["[::1]:50052"] }],
  ])("reads %s", (text, endpoint) => {
    expect(parseEndpoint(text)).toEqual(endpoint);
  });

  it.each(["", "host", "host:0", "host:70000", "dns://host:1", "dns:///host", "http://host:1", "a:1,,b:2", "::1:50052"])(
    "refuses %j with what was expected",
    (text) => {
      expect(() => parseEndpoint(text)).toThrow(expect.objectContaining({ code: "config_invalid" }));
    },
  );
});

it("makes targets of A and AAAA records, each once", async () => {
  const lookup = async () => [
    { address: "10.0.0.2", family: 4 },
    { address: "fd00::1", family: 6 },
    { address: "10.0.0.1", family: 4 },
    { address: "10.0.0.2", family: 4 },
  ];
  expect(await resolve(parseEndpoint("dns:///pool:7"), lookup)).toEqual(["10.0.0.1:7", "10.0.0.2:7", "[fd00::1]:7"]);
});

it("asks the system for names", async () => {
  expect(await resolve(parseEndpoint("dns:///localhost:7"), systemLookup)).toContainEqual(
    expect.stringMatching(/^(127\.0\.0\.1|\[::1\]):7$/),
  );
});
