/**
 * Which span of the gateway is the parent of a request's. Gateways tell it twice, in the metadata of the gRPC stream and in the request's
 * own header, and differ in which of the two is ever exported (measured: Envoy 1.40, agentgateway 1.3).
 */
import type { Metadata } from "@grpc/grpc-js";
import { traceContextIn, parseTraceContext, type HeaderEntry, type TraceContext } from "@turnout/shared";
import type { Gateway } from "./body-mode.ts";

/** streamTrace reads the metadata of the stream. */
export function streamTrace(metadata: Metadata): TraceContext | null {
  const text = (name: string) => metadata.get(name).filter((value) => typeof value === "string" && value !== "");
  const [traceparent, ...others] = text("traceparent");
  return others.length > 0 ? null : parseTraceContext(traceparent?.toString(), text("tracestate").join(","));
}

/** RequestTraces are the parent of our spans, and the other of the two where it was said and is not the same. */
export interface RequestTraces {
  readonly trace: TraceContext | null;
  readonly traceLink: TraceContext | null;
}

/**
 * requestTraces: Envoy's metadata is its span for this call, and the header the client's own, from before Envoy's. agentgateway exports the
 * span of its metadata only in passing, so that the header, its server span, is the one that will be there.
 */
export function requestTraces(gateway: Gateway, stream: TraceContext | null, headers: readonly HeaderEntry[]): RequestTraces {
  const header = traceContextIn(headers);
  const [first, second] = gateway === "agentgateway" ? [header, stream] : [stream, header];
  if (first === null) return { trace: second, traceLink: null };
  return { trace: first, traceLink: second?.traceparent === first.traceparent ? null : second };
}
