/**
 * An Exchange that does what a request's `x-script` header says, so that a protocol case is about the wire and not about routing. By
 * default it behaves like the router in small: a body whose model is "auto" gets another model, everything else is left alone.
 */
import type { BodyVerdict, Exchange, ExchangeFactory, ExchangeLimits, HeadVerdict, HeaderChanges, Reply } from "@turnout/shared";

export const scriptedLimits: ExchangeLimits = {
  maxBodyBytes: 8 << 20,
  bodyTimeoutMs: 5_000,
  maxHeldBytes: 256 << 20,
  streamedBody: true,
  clearRouteCache: true,
  gateway: "auto",
};

/** The model that the script chooses; Envoy's test configuration routes it to the second upstream. */
export const CHOSEN_MODEL = "math-expert";

const unchanged: HeaderChanges = { set: [], remove: [] };

/** ScriptedExchanges counts what the server told its exchanges. */
export interface ScriptedExchanges extends ExchangeFactory {
  readonly counts: { opened: number; closed: number; stalling: number; aborted: number };
  /** Bytes of response bodies seen by script "observe", by case. */
  readonly observed: ReadonlyMap<string, string>;
}

export function scriptedExchanges(limits: Partial<ExchangeLimits> = {}): ScriptedExchanges {
  const counts = { opened: 0, closed: 0, stalling: 0, aborted: 0 };
  const observed = new Map<string, string>();
  const merged = { ...scriptedLimits, ...limits };
  return {
    counts,
    observed,
    limits: () => merged,
    open() {
      counts.opened += 1;
      return new ScriptedExchange(String(counts.opened), counts, observed);
    },
  };
}

class ScriptedExchange implements Exchange {
  readonly requestId: string;
  readonly #counts: ScriptedExchanges["counts"];
  readonly #observed: Map<string, string>;
  #script = "";
  #case = "";

  constructor(requestId: string, counts: ScriptedExchanges["counts"], observed: Map<string, string>) {
    this.requestId = requestId;
    this.#counts = counts;
    this.#observed = observed;
  }

  onRequestHead(head: Parameters<Exchange["onRequestHead"]>[0]): HeadVerdict {
    const header = (name: string) => head.headers.find(([key]) => key === name)?.[1] ?? "";
    this.#script = header("x-script");
    this.#case = header("x-case");
    if (this.#script === "reply on head") return { kind: "reply", reply: reply(429, '{"error":"budget"}', "application/json") };
    if (head.method === "GET" && head.path === "/v1/models") {
      return { kind: "reply", reply: reply(200, '{"object":"list","data":[]}', "application/json") };
    }
    if (head.path !== "/v1/chat/completions" || head.endOfStream) return { kind: "passThrough", changes: unchanged };
    // A name sent by the client that only the router may set.
    return { kind: "wantsBody", changes: { set: [], remove: ["x-vsr-selected-model"] } };
  }

  async onRequestBody(body: Uint8Array, options: { readonly signal?: AbortSignal }): Promise<BodyVerdict> {
    switch (this.#script) {
      case "reply on body":
        return { kind: "reply", reply: reply(403, '{"error":"blocked by a rule: größer"}', "application/json") };
      case "cached stream":
        return { kind: "reply", reply: reply(200, 'data: {"cached":true}\n\ndata: [DONE]\n\n', "text/event-stream") };
      case "stall":
        this.#counts.stalling += 1;
        await aborted(options.signal);
        this.#counts.stalling -= 1;
        this.#counts.aborted += 1;
        throw new DOMException("the caller left", "AbortError");
      default:
        return rewrite(body);
    }
  }

  onBodyRefused(reason: "too_large" | "too_slow"): Reply {
    return reply(reason === "too_large" ? 413 : 408, JSON.stringify({ error: reason }), "application/json");
  }

  get wantsResponseHead(): boolean {
    return this.#script !== "request only";
  }

  get responseBody(): "none" | "observe" {
    return this.#script === "observe" ? "observe" : "none";
  }

  onResponseHead(): HeaderChanges {
    return { set: [["x-vsr-selected-model", CHOSEN_MODEL]], remove: [] };
  }

  onResponseChunk(chunk: Uint8Array): void {
    this.#observed.set(this.#case, (this.#observed.get(this.#case) ?? "") + Buffer.from(chunk).toString("utf8"));
  }

  close(): void {
    this.#counts.closed += 1;
  }
}

const MODEL_AUTO = '"model":"auto"';
const MODEL_CHOSEN = `"model":"${CHOSEN_MODEL}"`;

/** rewrite changes the model's bytes and nothing else. */
function rewrite(body: Uint8Array): BodyVerdict {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  const at = bytes.indexOf(MODEL_AUTO);
  if (at === -1) return { kind: "forward", changes: unchanged, body: null, backendModel: null };
  return {
    kind: "forward",
    // The last three are not a router's to set: the server must not let them pass.
    changes: {
      set: [
        ["x-selected-model", CHOSEN_MODEL],
        ["host", "evil.example"],
        [":method", "DELETE"],
        ["x-envoy-evil", "1"],
      ],
      remove: [],
    },
    body: Buffer.concat([bytes.subarray(0, at), Buffer.from(MODEL_CHOSEN), bytes.subarray(at + MODEL_AUTO.length)]),
    backendModel: CHOSEN_MODEL,
  };
}

function reply(status: number, body: string, contentType: string): Reply {
  return {
    status,
    headers: [
      ["content-type", contentType],
      ["x-why", "script"],
    ],
    body,
    details: "scripted",
  };
}

function aborted(signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted === true) resolve();
    else signal?.addEventListener("abort", () => resolve(), { once: true });
  });
}
