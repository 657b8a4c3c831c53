import { describe, expect, it } from "vitest";
import { decodeBodyModes, requestOverride, responseOverride, type BodyMode, type BodyModes } from "./body-mode.ts";

const modes = (request: BodyMode, response: BodyMode, overridable = true): BodyModes => ({ request, response, overridable });
const needs = (body: boolean, responseHead: boolean, responseBody: boolean) => ({ body, responseHead, responseBody });

describe("decodeBodyModes", () => {
  it("takes an absent mode for NONE, and an absent configuration for an old gateway", () => {
    expect(decodeBodyModes({ responseBodyMode: "BUFFERED" })).toEqual(modes("NONE", "BUFFERED"));
    expect(decodeBodyModes(undefined)).toEqual(modes("UNKNOWN", "UNKNOWN", false));
  });

  it("does not trust a mode it does not know, nor overrides where the gateway ignores them", () => {
    const newer: unknown = { requestBodyMode: 17, responseBodyMode: "STREAMED", sendBodyWithoutWaitingForHeaderResponse: true };
    expect(decodeBodyModes(newer as Parameters<typeof decodeBodyModes>[0])).toEqual(modes("UNKNOWN", "STREAMED", false));
  });
});

describe("requestOverride", () => {
  it.each([
    ["everything is needed: nothing to say", modes("BUFFERED", "BUFFERED"), needs(true, true, true), null],
    ["nothing is needed", modes("BUFFERED", "BUFFERED"), needs(false, false, false), ["NONE", "NONE", "SKIP"]],
    ["only the body", modes("BUFFERED", "BUFFERED"), needs(true, false, false), ["BUFFERED", "NONE", "SKIP"]],
    [
      "body and response head: the unset response body would be NONE, so it is said",
      modes("STREAMED", "BUFFERED"),
      needs(true, true, false),
      ["STREAMED", "NONE", "SEND"],
    ],
    ["the response body needs its head", modes("BUFFERED", "STREAMED"), needs(false, false, true), ["NONE", "STREAMED", "SEND"]],
    [
      "a body that is not configured is asked for whole",
      modes("NONE", "BUFFERED"),
      needs(true, true, true),
      ["BUFFERED", "BUFFERED", "SEND"],
    ],
    ["a response body that is not configured stays so", modes("BUFFERED", "NONE"), needs(true, false, true), ["BUFFERED", "NONE", "SKIP"]],
    ["full duplex cannot be overridden", modes("FULL_DUPLEX_STREAMED", "BUFFERED"), needs(false, false, false), null],
    ["on either side", modes("BUFFERED", "FULL_DUPLEX_STREAMED"), needs(false, false, false), null],
    ["GRPC neither", modes("GRPC", "NONE"), needs(false, false, false), null],
    ["the gateway ignores overrides", modes("BUFFERED", "BUFFERED", false), needs(false, false, false), null],
    ["the modes were not told", modes("UNKNOWN", "UNKNOWN", false), needs(false, false, false), null],
  ] as const)("%s", (_name, configured, wanted, expected) => {
    const override = requestOverride(configured, wanted);
    const [requestBodyMode, responseBodyMode, responseHeaderMode] = expected ?? [];
    expect(override).toEqual(expected === null ? null : { requestBodyMode, responseBodyMode, responseHeaderMode });
  });
});

describe("responseOverride", () => {
  const seen = (observed: boolean, eventStream: boolean, gateway: "envoy" | "agentgateway" = "envoy") => ({
    observed,
    eventStream,
    gateway,
  });

  it.each([
    ["nobody looks", modes("BUFFERED", "BUFFERED"), seen(false, true), { requestBodyMode: "BUFFERED", responseBodyMode: "NONE" }],
    ["plain JSON stays buffered", modes("BUFFERED", "BUFFERED"), seen(true, false), null],
    [
      "Envoy streams an event stream",
      modes("BUFFERED", "BUFFERED"),
      seen(true, true),
      { requestBodyMode: "BUFFERED", responseBodyMode: "STREAMED", responseTrailerMode: "SEND" },
    ],
    [
      "agentgateway only in full duplex",
      modes("BUFFERED", "BUFFERED_PARTIAL"),
      seen(true, true, "agentgateway"),
      { requestBodyMode: "BUFFERED", responseBodyMode: "FULL_DUPLEX_STREAMED", responseTrailerMode: "SEND" },
    ],
    [
      "a full-duplex request keeps its trailers",
      modes("FULL_DUPLEX_STREAMED", "BUFFERED"),
      seen(false, false),
      { requestBodyMode: "FULL_DUPLEX_STREAMED", requestTrailerMode: "SEND", responseBodyMode: "NONE" },
    ],
    ["it streams already", modes("BUFFERED", "STREAMED"), seen(true, true), null],
    ["full duplex is left alone", modes("BUFFERED", "FULL_DUPLEX_STREAMED"), seen(false, true), null],
    ["no body comes anyway", modes("BUFFERED", "NONE"), seen(true, true), null],
  ] as const)("%s", (_name, configured, wanted, expected) => {
    expect(responseOverride(configured, wanted)).toEqual(expected);
  });
});
