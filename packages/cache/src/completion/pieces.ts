/** Cutting text for the chunks of a stream, between characters, and with it what is known of its tokens. Pure. */
import { isMembers } from "./json.ts";

export type Logprobs = Readonly<Record<string, readonly unknown[]>>;

/** The longest piece, UTF-8 bytes. */
const MAX_PIECE_BYTES = 1_024;

/** pieces of a text, none of which ends within a character. */
export function* pieces(text: string): Generator<string> {
  const encoder = new TextEncoder();
  const scratch = new Uint8Array(MAX_PIECE_BYTES);
  for (let at = 0; at < text.length;) {
    const { read } = encoder.encodeInto(text.slice(at, at + MAX_PIECE_BYTES), scratch);
    yield text.slice(at, at + read);
    at += read;
  }
}

/** AlignedPiece is some tokens' text and what is known of those tokens. */
export interface AlignedPiece {
  readonly text: string;
  readonly logprobs: Logprobs;
}

/**
 * alignedPieces cuts between tokens; null when the tokens do not make up the text: models count thinking and calls as tokens too,
 * and a token may be half a character.
 */
export function alignedPieces(text: string, logprobs: Logprobs | null): readonly AlignedPiece[] | null {
  if (logprobs === null || text === "") return null;
  const tokens = tokensOf(logprobs);
  if (tokens.length === 0 || tokens.join("") !== text) return null;
  if (Object.values(logprobs).some(({ length }) => length !== tokens.length)) return null;
  const result: AlignedPiece[] = [];
  let [from, bytes] = [0, 0];
  const cut = (to: number) => {
    const lists = Object.entries(logprobs).map(([name, list]) => [name, list.slice(from, to)] as const);
    result.push({ text: tokens.slice(from, to).join(""), logprobs: Object.fromEntries(lists) });
    [from, bytes] = [to, 0];
  };
  for (const [at, token] of tokens.entries()) {
    const length = Buffer.byteLength(token);
    if (bytes > 0 && bytes + length > MAX_PIECE_BYTES) cut(at);
    bytes += length;
  }
  cut(tokens.length);
  return result;
}

/** tokensOf reads the tokens of a chat's `content`, or of a text completion's `tokens`. */
function tokensOf({ content, tokens }: Logprobs): readonly string[] {
  const texts = tokens ?? content?.map((entry) => (isMembers(entry) ? entry["token"] : null)) ?? [];
  return texts.every((token) => typeof token === "string") ? texts : [];
}
