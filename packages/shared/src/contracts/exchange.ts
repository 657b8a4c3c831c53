import type { TraceContext } from "../telemetry/trace-context.ts";
import type { CallOptions } from "./call-options.ts";

/**
 * An exchange is one HTTP request and its response as a door (Envoy's ExtProc stream, or our own HTTP gateway) walks it past
 * the router. Doors know transports; the exchange knows routing; neither knows the other's words.
 */

/** HeaderEntry is a lower-case header name and its value. */
export type HeaderEntry = readonly [name: string, value: string];

/** HttpHead is a request's line and headers. Names are lower-case; pseudo headers are not among them. */
export interface HttpHead {
  readonly method: string;
  /** Path with query. */
  readonly path: string;
  readonly headers: readonly HeaderEntry[];
  /** True when no body follows. */
  readonly endOfStream: boolean;
  /** The parent of this request's spans, where the door knows better than the headers do; null: there is none. Absent: as the headers say. */
  readonly trace?: TraceContext | null;
  /** What else was said of the parent, by a header or by the gateway, and did not count. */
  readonly traceLink?: TraceContext | null;
}

/** HeaderChanges are applied by the door: removals first, then sets, which overwrite. */
export interface HeaderChanges {
  readonly set: readonly HeaderEntry[];
  readonly remove: readonly string[];
}

/** Reply ends the exchange with a response of our own. The body is valid UTF-8 and `content-type` is among the headers. */
export interface Reply {
  readonly status: number;
  readonly headers: readonly HeaderEntry[];
  readonly body: string;
  /** Short machine word for the gateway's log, e.g. "turnout_body_too_large". */
  readonly details: string;
}

/** HeadVerdict is the router's answer to a request's head. */
export type HeadVerdict =
  /** Nothing here is ours: forward everything untouched, the body is not wanted. */
  | { readonly kind: "passThrough"; readonly changes: HeaderChanges }
  /** The body decides. */
  | { readonly kind: "wantsBody"; readonly changes: HeaderChanges }
  | { readonly kind: "reply"; readonly reply: Reply };

/** BodyVerdict is the router's answer to a request's body. */
export type BodyVerdict =
  | {
      readonly kind: "forward";
      readonly changes: HeaderChanges;
      /** The new body, or null: forward the bytes that came, untouched. */
      readonly body: Uint8Array | null;
      /** The logical model chosen, whose `backend_refs` our own gateway uses; null when not routed. */
      readonly backendModel: string | null;
    }
  | { readonly kind: "reply"; readonly reply: Reply };

/** ResponseHead is the upstream's status and headers. */
export interface ResponseHead {
  readonly status: number;
  readonly headers: readonly HeaderEntry[];
}

/** Exchange is one request's walk through the router. Methods are called in order, each at most once. */
export interface Exchange {
  readonly requestId: string;
  onRequestHead(head: HttpHead): HeadVerdict;
  /** Never rejects for reasons of routing: a broken classifier, an expired deadline or bad JSON is a verdict too. Rejects only when `options.signal` aborts. */
  onRequestBody(body: Uint8Array, options: CallOptions): Promise<BodyVerdict>;
  /** The body was larger than the limit or came too slowly; gives the reply. */
  onBodyRefused(reason: "too_large" | "too_slow"): Reply;
  onResponseHead(head: ResponseHead): HeaderChanges;
  /** True when this exchange wants to see the response's head (to add x-vsr-* headers). Known once the head verdict is given. */
  readonly wantsResponseHead: boolean;
  /** "observe": the response's chunks are handed over as they pass, already forwarded and never changed (usage counts). May turn from "observe" to "none" after the body verdict, never back. */
  readonly responseBody: "none" | "observe";
  onResponseChunk(chunk: Uint8Array, endOfStream: boolean): void;
  /** Called once, when the stream is over for whatever reason. */
  close(): void;
}

/** ExchangeFactory opens exchanges on the configuration snapshot that is current at that moment; the exchange keeps it. */
export interface ExchangeFactory {
  /** `identity` says whether the door's peer authenticates clients, so that its identity headers may be believed. Absent: trusted. */
  open(identity?: "trusted" | "untrusted"): Exchange;
  /** Limits that the door enforces while it holds bytes, from the current snapshot. */
  limits(): ExchangeLimits;
}

/** ExchangeLimits are what a door must know before it has a body. */
export interface ExchangeLimits {
  /** Largest request body that is routed, bytes. */
  readonly maxBodyBytes: number;
  /** How long a body may take to arrive, ms. */
  readonly bodyTimeoutMs: number;
  /** Bytes that all open streams together may hold. */
  readonly maxHeldBytes: number;
  /** True: STREAMED request bodies are collected and routed (vSR's global.router.streamed_body). */
  readonly streamedBody: boolean;
  readonly clearRouteCache: boolean;
  readonly gateway: "envoy" | "agentgateway" | "auto";
}
