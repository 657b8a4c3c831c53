/**
 * Reads token counts out of a response while it passes: one JSON object, or server-sent events cut anywhere, even within a
 * character. It keeps a bounded part of what it sees, changes nothing and never throws. Called by the exchange.
 */

/** Usage is what the upstream says it counted. */
export interface Usage {
  readonly promptTokens: number;
  readonly completionTokens: number;
}

/** UsageReader takes chunks and knows the usage at the end, or null. */
export interface UsageReader {
  push(chunk: Uint8Array): void;
  end(): Usage | null;
}

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
  return { push: (chunk) => body.add(chunk), end: () => usageIn(body.take()) };
}

const NEWLINE = 0x0a;
const DATA = "data:";

function eventStreamReader(): UsageReader {
  const line = createKeep();
  let latest: Usage | null = null;
  const finishLine = () => {
    const text = line.take();
    // Nearly all events carry no usage: the word is looked for before anything is parsed.
    if (text !== null && text.startsWith(DATA) && text.includes('"usage"')) latest = usageIn(text.slice(DATA.length)) ?? latest;
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

function usageIn(json: string | null): Usage | null {
  if (json === null) return null;
  try {
    const parsed = JSON.parse(json) as {
      readonly usage?: { readonly prompt_tokens?: unknown; readonly completion_tokens?: unknown } | null;
    } | null;
    const promptTokens = count(parsed?.usage?.prompt_tokens);
    const completionTokens = count(parsed?.usage?.completion_tokens);
    return promptTokens === 0 && completionTokens === 0 ? null : { promptTokens, completionTokens };
  } catch {
    return null;
  }
}

function count(value: unknown): number {
  return typeof value === "number" && Number.isSafeInteger(value) && value > 0 ? value : 0;
}
