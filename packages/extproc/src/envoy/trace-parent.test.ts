import { Metadata } from "@grpc/grpc-js";
import type { HeaderEntry, TraceContext } from "@turnout/shared";
import { describe, expect, it } from "vitest";
import type { Gateway } from "./body-mode.ts";
import { requestTraces, streamTrace } from "./trace-parent.ts";

const ofStream = { traceparent: "00-0af7651916cd43dd8448eb211c80319c-1111111111111111-01" };
const ofHeader = { traceparent: "00-0af7651916cd43dd8448eb211c80319c-2222222222222222-01" };
const header: readonly HeaderEntry[] = [["traceparent", ofHeader.traceparent]];

describe("requestTraces", () => {
  type Trace = TraceContext | null;
  it.each<[gateway: Gateway, stream: Trace, headers: readonly HeaderEntry[], trace: Trace, traceLink: Trace]>([
    ["envoy", ofStream, header, ofStream, ofHeader],
    ["envoy", null, header, ofHeader, null],
    ["envoy", ofStream, [], ofStream, null],
    ["envoy", ofHeader, header, ofHeader, null],
    ["agentgateway", ofStream, header, ofHeader, ofStream],
    ["agentgateway", ofStream, [], ofStream, null],
    ["agentgateway", ofStream, [["traceparent", "nonsense"]], ofStream, null],
    ["agentgateway", null, [], null, null],
  ])("of %s, stream %j, headers %j", (gateway, stream, headers, trace, traceLink) => {
    expect(requestTraces(gateway, stream, headers)).toEqual({ trace, traceLink });
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
