/**
 * How a gateway sends bodies, and when to ask it for another way. Pure: configured modes and needs in, a mode override out.
 * The rules are measured ones (Envoy 1.40, agentgateway): an override replaces both body modes at once, an unset one means
 * NONE, and gateways ignore or break overrides while FULL_DUPLEX_STREAMED is configured.
 */
import type { ProcessingMode, ProtocolConfiguration } from "./protocol.ts";

/** BodyMode is Envoy's BodySendMode; UNKNOWN when an old gateway does not tell it, or a newer one has a mode we do not know. */
export type BodyMode = "NONE" | "STREAMED" | "BUFFERED" | "BUFFERED_PARTIAL" | "FULL_DUPLEX_STREAMED" | "GRPC" | "UNKNOWN";

export interface BodyModes {
  readonly request: BodyMode;
  readonly response: BodyMode;
  /** False when the gateway did not tell its modes, or said that it sends bodies without waiting: it then ignores overrides. */
  readonly overridable: boolean;
}

export type Gateway = "envoy" | "agentgateway";

/** ModeOverride is a whole override: both body modes are always present, because a missing one would switch that body off. */
export type ModeOverride = ProcessingMode & Required<Pick<ProcessingMode, "requestBodyMode" | "responseBodyMode">>;

const known: ReadonlySet<unknown> = new Set(["NONE", "STREAMED", "BUFFERED", "BUFFERED_PARTIAL", "FULL_DUPLEX_STREAMED", "GRPC"]);

/** decodeBodyModes reads `protocol_config`; a mode that is not on the wire is NONE, the enum's zero. */
export function decodeBodyModes(configuration: ProtocolConfiguration | undefined): BodyModes {
  if (configuration === undefined) return { request: "UNKNOWN", response: "UNKNOWN", overridable: false };
  return {
    request: decodeBodyMode(configuration.requestBodyMode),
    response: decodeBodyMode(configuration.responseBodyMode),
    overridable: configuration.sendBodyWithoutWaitingForHeaderResponse !== true,
  };
}

function decodeBodyMode(mode: unknown): BodyMode {
  if (mode === undefined) return "NONE";
  return known.has(mode) ? (mode as BodyMode) : "UNKNOWN";
}

/** isReplaceable: the gateway obeys an override of this mode. */
const isReplaceable = (mode: BodyMode): boolean => mode !== "FULL_DUPLEX_STREAMED" && mode !== "GRPC" && mode !== "UNKNOWN";

/** RequestNeeds is what the exchange still wants to see once it has judged the request's head. */
export interface RequestNeeds {
  readonly body: boolean;
  readonly responseHead: boolean;
  readonly responseBody: boolean;
}

/** requestOverride asks for the phases somebody needs and no others, or returns null when nothing would change. */
export function requestOverride(modes: BodyModes, needs: RequestNeeds): ModeOverride | null {
  if (!modes.overridable || !isReplaceable(modes.request) || !isReplaceable(modes.response)) return null;
  const requestBodyMode = !needs.body ? "NONE" : modes.request === "NONE" ? "BUFFERED" : modes.request;
  const responseBodyMode = needs.responseBody ? modes.response : "NONE";
  // The response's head is also where a streamed body is noticed.
  const responseHead = needs.responseHead || responseBodyMode !== "NONE";
  if (responseHead && requestBodyMode === modes.request && responseBodyMode === modes.response) return null;
  return override(requestBodyMode, responseBodyMode, { responseHeaderMode: responseHead ? "SEND" : "SKIP" });
}

/** ResponseNeeds is what the response's head tells about its body. */
export interface ResponseNeeds {
  readonly observed: boolean;
  readonly eventStream: boolean;
  readonly gateway: Gateway;
}

/**
 * responseOverride lets a body nobody observes go by, and an observed event stream flow chunk by chunk instead of being
 * buffered whole. agentgateway ignores STREAMED, Envoy needs it.
 */
export function responseOverride(modes: BodyModes, needs: ResponseNeeds): ModeOverride | null {
  if (!modes.overridable || !isReplaceable(modes.response) || modes.response === "NONE") return null;
  if (!needs.observed) return override(modes.request, "NONE", {});
  if (!needs.eventStream || modes.response === "STREAMED") return null;
  const streamed = needs.gateway === "envoy" ? "STREAMED" : "FULL_DUPLEX_STREAMED";
  return override(modes.request, streamed, { responseTrailerMode: "SEND" });
}

function override(request: BodyMode, response: BodyMode, headers: ProcessingMode): ModeOverride {
  return {
    ...headers,
    // FULL_DUPLEX_STREAMED is valid only together with trailers.
    ...(request === "FULL_DUPLEX_STREAMED" ? { requestTrailerMode: "SEND" as const } : {}),
    requestBodyMode: request === "UNKNOWN" ? "NONE" : request,
    responseBodyMode: response === "UNKNOWN" ? "NONE" : response,
  };
}
