/**
 * Reads what an upstream says of its answer, token counts before all, out of a response while it passes: one JSON object, or server-sent events cut anywhere, even within a
 * character. It keeps a bounded part of what it sees, changes nothing and never throws. Called by the exchange.
 */

/** Usage is what the upstream says it counted. */
export interface Usage {
  readonly promptTokens: number;
  readonly completionTokens: number;
  /** Of the prompt's, those that it remembered. */
  readonly cachedTokens: number;
  /** Of the completion's, those that it thought with. */
  readonly reasoningTokens: number;
}

/** Completion is what an upstream says of its answer. */
export interface Completion {
  /** Null where it says nothing that can be read. */
  readonly usage: Usage | null;
  /** Its own name for the model that answered. */
  readonly model: string | null;
  /** One for each choice that has ended. */
  readonly finishReasons: readonly string[];
}

/** UsageReader takes chunks and knows at the end what was said. */
export interface UsageReader {
  push(chunk: Uint8Array): void;
  end(): Completion;
}

/** Choices whose reasons for ending are kept. */
const MAX_REASONS = 8;
const NOTHING: Completion = { usage: null, model: null, finishReasons: [] };

/** The most that is kept of a JSON response, and of one line of an event stream, bytes; what is larger is not counted. */
const MAX_KEPT_BYTES = 4 * 1024 * 1024;

/** createUsageReader chooses by content type; null where no usage can be read. */
export function createUsageReader(contentType: string | undefined): UsageReader | null {
  const type = contentType?.split(";", 1)[0]?.trim().toLowerCase();
  if (type === "text/event-stream") return eventStreamReader();
  if (type === "application/json") return jsonReader();
  return null;
}

function jsonReader(): UsageReader {
  const body = createKeep();
  return { push: (chunk) => body.add(chunk), end: () => completionIn(body.take()) };
}

const NEWLINE = 0x0a;
const DATA = "data:";
/** Nearly all events say neither: the words are looked for before anything is parsed. */
const TELLING = /"usage"|"finish_reason": ?"/;

function eventStreamReader(): UsageReader {
  const line = createKeep();
  let latest: Completion = NOTHING;
  const finishLine = () => {
    const text = line.take();
    if (text === null || !text.startsWith(DATA) || !TELLING.test(text)) return;
    const { usage, model, finishReasons } = completionIn(text.slice(DATA.length));
    latest = {
      usage: usage ?? latest.usage,
      model: model ?? latest.model,
      finishReasons: finishReasons.length === 0 ? latest.finishReasons : [...latest.finishReasons, ...finishReasons].slice(0, MAX_REASONS),
    };
  };
  return {
    push(chunk) {
      let start = 0;
      for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
        line.add(chunk.subarray(start, end));
        finishLine();
        start = end + 1;
      }
      line.add(chunk.subarray(start));
    },
    end() {
      finishLine();
      return latest;
    },
  };
}

/** createKeep collects bytes up to the limit; `take` gives them as text and starts over, or null when they were too many. */
function createKeep() {
  let pieces: Uint8Array[] = [];
  let bytes = 0;
  return {
    add(piece: Uint8Array) {
      if (piece.length === 0) return;
      bytes += piece.length;
      if (bytes <= MAX_KEPT_BYTES) pieces.push(piece);
      else pieces = [];
    },
    take(): string | null {
      const text = bytes <= MAX_KEPT_BYTES ? Buffer.concat(pieces).toString("utf8") : null;
      pieces = [];
      bytes = 0;
      return text;
    },
  };
}

function completionIn(json: string | null): Completion {
  if (json === null) return NOTHING;
  try {
    const parsed = JSON.parse(json) as {
      readonly model?: unknown;
      readonly choices?: unknown;
      readonly usage?: {
        readonly prompt_tokens?: unknown;
        readonly completion_tokens?: unknown;
        readonly prompt_tokens_details?: { readonly cached_tokens?: unknown } | null;
        readonly completion_tokens_details?: { readonly reasoning_tokens?: unknown } | null;
      } | null;
    } | null;
    const { model, choices, usage } = parsed ?? {};
    const counted = {
      promptTokens: count(usage?.prompt_tokens),
      completionTokens: count(usage?.completion_tokens),
      cachedTokens: count(usage?.prompt_tokens_details?.cached_tokens),
      reasoningTokens: count(usage?.completion_tokens_details?.reasoning_tokens),
    };
    return {
      usage: counted.promptTokens === 0 && counted.completionTokens === 0 ? null : counted,
      model: typeof model === "string" ? model : null,
      finishReasons: Array.isArray(choices) ? choices.slice(0, MAX_REASONS).flatMap(finishReason) : [],
    };
  } catch {
    return NOTHING;
  }
}

function finishReason(choice: unknown): string[] {
  const reason = (choice as { readonly finish_reason?: unknown } | null)?.finish_reason;
  return typeof reason === "string" ? [reason] : [];
}

function count(value: unknown): number {
  return typeof value === "number" && Number.isSafeInteger(value) && value > 0 ? value : 0;
}
