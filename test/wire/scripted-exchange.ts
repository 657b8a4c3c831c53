/**
 * A toy router behind the Exchange contract, for tests of the door alone. By default it does what the real one does in its
 * simplest case (`"model": "auto"` becomes `"model": "expert"`, every other byte stays); a script replaces single steps.
 */
import type {
  BodyVerdict,
  CallOptions,
  Exchange,
  ExchangeFactory,
  ExchangeLimits,
  HeaderChanges,
  HeadVerdict,
  HttpHead,
  Reply,
  ResponseHead,
} from "@turnout/shared";

export interface Script {
  head?(head: HttpHead): HeadVerdict;
  body?(body: Uint8Array, options: CallOptions, head: HttpHead): BodyVerdict | Promise<BodyVerdict>;
  responseHead?(head: ResponseHead): HeaderChanges;
  wantsResponseHead?: boolean;
  responseBody?: "none" | "observe";
  onResponseChunk?(chunk: Uint8Array, endOfStream: boolean): void;
}

/** Walk is what one exchange has seen. */
export interface Walk {
  readonly head: HttpHead | null;
  readonly body: string | null;
  readonly aborted: boolean;
  readonly responseHead: ResponseHead | null;
  readonly responseBody: string;
  readonly responseEnded: boolean;
  readonly closed: number;
}

export const limits: ExchangeLimits = {
  maxBodyBytes: 1024 * 1024,
  bodyTimeoutMs: 10_000,
  maxHeldBytes: 64 * 1024 * 1024,
  streamedBody: true,
  clearRouteCache: true,
  gateway: "auto",
};

const noChanges: HeaderChanges = { set: [], remove: [] };
export const unchanged: BodyVerdict = { kind: "forward", changes: noChanges, body: null, backendModel: null };
export const jsonReply = (status: number, details: string): Reply => ({
  status,
  headers: [["content-type", "application/json"]],
  body: JSON.stringify({ error: { message: details, code: status } }),
  details,
});

/** routeAuto rewrites the model byte by byte, as the router does. */
function routeAuto(body: Uint8Array): BodyVerdict {
  const text = Buffer.from(body).toString("latin1");
  if (!text.includes('"model":"auto"')) return unchanged;
  return {
    kind: "forward",
    changes: { set: [["x-selected-model", "expert"]], remove: [] },
    body: Buffer.from(text.replace('"model":"auto"', '"model":"expert"'), "latin1"),
    backendModel: "expert",
  };
}

export class ScriptedExchanges implements ExchangeFactory {
  readonly walks: MutableWalk[] = [];
  script: Script = {};
  limits_: ExchangeLimits = limits;
  /** Off in soak tests, whose point is that nothing stays. */
  recording = true;

  open(): Exchange {
    const walk: MutableWalk = {
      head: null,
      body: null,
      aborted: false,
      responseHead: null,
      responseBody: "",
      responseEnded: false,
      closed: 0,
    };
    if (this.recording) this.walks.push(walk);
    return scriptedExchange(this.script, walk);
  }

  limits(): ExchangeLimits {
    return this.limits_;
  }

  /** The walk of the only, or latest, exchange. */
  get last(): Walk {
    const walk = this.walks.at(-1);
    if (walk === undefined) throw new Error("no exchange was opened");
    return walk;
  }
}

type MutableWalk = { -readonly [Key in keyof Walk]: Walk[Key] };

function scriptedExchange(script: Script, walk: MutableWalk): Exchange {
  const defaultHead: HeadVerdict = {
    kind: "wantsBody",
    changes: { set: [["accept-encoding", "identity"]], remove: ["x-vsr-selected-model"] },
  };
  return {
    requestId: "scripted",
    wantsResponseHead: script.wantsResponseHead ?? script.responseHead !== undefined,
    responseBody: script.responseBody ?? "none",
    onRequestHead(head) {
      walk.head = head;
      return script.head?.(head) ?? (head.path.startsWith("/v1/chat/") ? defaultHead : { kind: "passThrough", changes: noChanges });
    },
    async onRequestBody(body, options) {
      walk.body = Buffer.from(body).toString("utf8");
      options.signal?.addEventListener("abort", () => {
        walk.aborted = true;
      });
      if (walk.head === null) throw new Error("body before head");
      return (await script.body?.(body, options, walk.head)) ?? routeAuto(body);
    },
    onBodyRefused: (reason) => (reason === "too_large" ? jsonReply(413, "too_large") : jsonReply(408, "too_slow")),
    onResponseHead(head) {
      walk.responseHead = head;
      return script.responseHead?.(head) ?? noChanges;
    },
    onResponseChunk(chunk, endOfStream) {
      walk.responseBody += Buffer.from(chunk).toString("utf8");
      walk.responseEnded ||= endOfStream;
      script.onResponseChunk?.(chunk, endOfStream);
    },
    close() {
      walk.closed += 1;
    },
  };
}
