import type {
  BodyVerdict,
  Exchange,
  ExchangeFactory,
  ExchangeLimits,
  HeadVerdict,
  HeaderChanges,
  HttpHead,
  Reply,
  ResponseHead,
} from "@turnout/shared";

/** An exchange that does what a test says and remembers what it saw. For tests of doors: the real one is in routing/. */
export interface ExchangeScript {
  onRequestHead?(head: HttpHead): HeadVerdict;
  onRequestBody?(body: Uint8Array, signal: AbortSignal): Promise<BodyVerdict>;
  onResponseHead?(head: ResponseHead): HeaderChanges;
  onResponseChunk?(chunk: Uint8Array, endOfStream: boolean): void;
  readonly limits?: Partial<ExchangeLimits>;
  readonly responseBody?: "none" | "observe";
}

export interface ScriptedExchanges extends ExchangeFactory {
  /** What happened to each exchange, in the order they were opened. */
  readonly seen: readonly SeenExchange[];
}

export interface SeenExchange {
  head: HttpHead | null;
  body: Buffer | null;
  refused: "too_large" | "too_slow" | null;
  responseHead: ResponseHead | null;
  readonly chunks: Buffer[];
  ended: boolean;
  readonly closed: Promise<void>;
  closes: number;
}

export const NO_CHANGES: HeaderChanges = { set: [], remove: [] };

export function textReply(status: number, body: string): Reply {
  return { status, headers: [["content-type", "text/plain"]], body, details: "scripted" };
}

export function createScriptedExchanges(script: ExchangeScript = {}): ScriptedExchanges {
  const seen: SeenExchange[] = [];
  return {
    seen,
    limits: () => ({
      maxBodyBytes: 1024 * 1024,
      bodyTimeoutMs: 10_000,
      maxHeldBytes: 8 * 1024 * 1024,
      streamedBody: false,
      clearRouteCache: true,
      gateway: "auto",
      ...script.limits,
    }),
    open(): Exchange {
      const { promise: closed, resolve } = Promise.withResolvers<void>();
      const record: SeenExchange = {
        head: null,
        body: null,
        refused: null,
        responseHead: null,
        chunks: [],
        ended: false,
        closed,
        closes: 0,
      };
      seen.push(record);
      return {
        requestId: "scripted",
        wantsResponseHead: script.onResponseHead !== undefined,
        responseBody: script.responseBody ?? "observe",
        onRequestHead(head) {
          record.head = head;
          return script.onRequestHead?.(head) ?? { kind: "wantsBody", changes: NO_CHANGES };
        },
        async onRequestBody(body, options) {
          record.body = Buffer.from(body);
          const verdict = await script.onRequestBody?.(body, options.signal as AbortSignal);
          return verdict ?? { kind: "forward", changes: NO_CHANGES, body: null, backendModel: null };
        },
        onBodyRefused(reason) {
          record.refused = reason;
          return textReply(reason === "too_large" ? 413 : 408, reason);
        },
        onResponseHead(head) {
          record.responseHead = head;
          return script.onResponseHead?.(head) ?? NO_CHANGES;
        },
        onResponseChunk(chunk, endOfStream) {
          record.chunks.push(Buffer.from(chunk));
          record.ended ||= endOfStream;
          script.onResponseChunk?.(chunk, endOfStream);
        },
        close() {
          record.closes++;
          resolve();
        },
      };
    },
  };
}
