import { Metadata } from "@grpc/grpc-js";
import type { HeaderEntry, TraceContext } from "@turnout/shared";
import { describe, expect, it } from "vitest";
import type { Gateway } from "./body-mode.ts";
import { streamTrace, traceParent } from "./trace-parent.ts";

const ofStream = { traceparent: "00-0af7651916cd43dd8448eb211c80319c-1111111111111111-01" };
const ofHeader = { traceparent: "00-0af7651916cd43dd8448eb211c80319c-2222222222222222-01" };
const header: readonly HeaderEntry[] = [["traceparent", ofHeader.traceparent]];

describe("traceParent", () => {
  it.each<[gateway: Gateway, stream: TraceContext | null, headers: readonly HeaderEntry[], parent: TraceContext | null]>([
    ["envoy", ofStream, header, ofStream],
    ["envoy", null, header, ofHeader],
    ["envoy", ofStream, [], ofStream],
    ["agentgateway", ofStream, header, ofHeader],
    ["agentgateway", ofStream, [], ofStream],
    ["agentgateway", ofStream, [["traceparent", "nonsense"]], ofStream],
    ["agentgateway", null, [], null],
  ])("of %s, stream %j, headers %j", (gateway, stream, headers, parent) => {
    expect(traceParent(gateway, stream, headers)).toEqual(parent);
  });
});

describe("streamTrace", () => {
  it("reads the metadata, and believes none of two parents", () => {
    const metadata = new Metadata();
    expect(streamTrace(metadata)).toBeNull();
    metadata.set("traceparent", ofStream.traceparent);
    metadata.set("tracestate", "");
    expect(streamTrace(metadata)).toEqual(ofStream);
    metadata.add("tracestate", "a=1");
    metadata.add("tracestate", "b=2");
    expect(streamTrace(metadata)).toEqual({ ...ofStream, tracestate: "a=1,b=2" });
    metadata.add("traceparent", ofHeader.traceparent);
    expect(streamTrace(metadata)).toBeNull();
  });
});
