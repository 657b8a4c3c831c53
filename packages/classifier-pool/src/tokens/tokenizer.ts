/**
 * Exact tokenization, in the worker: text parts in, ids of at most the window's length out, special tokens included. What
 * does not fit is cut by tokens here, so that a window is always as full as the text allows.
 */
import { readFile } from "node:fs/promises";
import { Tokenizer as VocabularyTokenizer } from "@huggingface/tokenizers";
import { RouterError } from "@turnout/shared/errors";
import type { TextJob } from "../messages.ts";
import { createTokenPlacer, type TokenizerDocument, type TokenPlacer } from "./token-places.ts";

/** TokenizedText is one text as the encoder reads it. */
interface TokenizedText {
  readonly ids: readonly number[];
  /** True when tokens were left out. */
  readonly sampled: boolean;
}

/** TextTokenizer turns a job into ids. */
export interface TextTokenizer {
  tokenize(job: TextJob): TokenizedText;
}

/** Vocabulary is the part of a tokenizer that knows the model's words. */
export interface Vocabulary {
  /** Ids of a text without special tokens. */
  encode(text: string): readonly number[];
  /** Special tokens before and after every text. */
  readonly prefix: readonly number[];
  readonly suffix: readonly number[];
}

/** Stands between the sampled parts. vSR writes a sentence there; three dots say it in three tokens of the window. */
const MARKER = "...";

/** createTokenizer cuts what `vocabulary` encodes to windows of at most `maxTokens` tokens. */
export function createTokenizer(vocabulary: Vocabulary, maxTokens: number): TextTokenizer {
  const { prefix, suffix } = vocabulary;
  const marker = vocabulary.encode(MARKER);
  return {
    tokenize({ parts, window }) {
      const room = Math.max(1, Math.min(window.maxTokens, maxTokens) - prefix.length - suffix.length);
      const encoded = parts.map((part) => vocabulary.encode(part));
      const head = encoded[0] ?? [];
      if (parts.length === 1 && head.length <= room) return { ids: [...prefix, ...head, ...suffix], sampled: false };
      const third = Math.floor((room - 2 * marker.length) / 3);
      if (window.sampling === "head" || third < 1) return { ids: [...prefix, ...head.slice(0, room), ...suffix], sampled: true };

      const middle = encoded[1] ?? head;
      const tail = encoded[2] ?? head;
      const centre = Math.max(0, Math.floor((middle.length - third) / 2));
      const ids = [
        ...prefix,
        ...head.slice(0, room - 2 * marker.length - 2 * third),
        ...marker,
        ...middle.slice(centre, centre + third),
        ...marker,
        ...tail.slice(-third),
        ...suffix,
      ];
      return { ids, sampled: true };
    },
  };
}

/** withPrompt puts `prompt` before every text; its tokens count against the window. */
export function withPrompt(tokenizer: TextTokenizer, prompt: string): TextTokenizer {
  if (prompt === "") return tokenizer;
  return {
    tokenize({ parts: [head, ...rest], window }) {
      // A job has one part or three, and so has its copy.
      return tokenizer.tokenize({ parts: [prompt + head, ...rest] as unknown as TextJob["parts"], window });
    },
  };
}

/** FileVocabulary is that of a tokenizer.json, which also knows where in a text its tokens stand. */
export interface FileVocabulary extends Vocabulary {
  readonly place: TokenPlacer;
}

/** TokenizerFile is a tokenizer.json as it is parsed. */
type TokenizerFile = TokenizerDocument & { model?: { vocab?: unknown } };

/** loadVocabulary reads a tokenizer.json. Throws RouterError "model_corrupt" when it is not one. */
export async function loadVocabulary(path: string): Promise<FileVocabulary> {
  try {
    const document = JSON.parse(await readFile(path, "utf8")) as TokenizerFile;
    const tokenizer = new VocabularyTokenizer(document, {});
    // The tokenizer has copied it and keeps the rest of the document: of a worker's heap a sixth, of a large vocabulary much more.
    delete document.model?.vocab;
    const encode = (text: string) => tokenizer.encode(text, { add_special_tokens: false }).ids;
    return { encode, place: createTokenPlacer(tokenizer, document), ...specialTokens(encode("a"), tokenizer.encode("a").ids) };
  } catch (error) {
    throw new RouterError("model_corrupt", `${path} is not a usable tokenizer.json: ${String(error)}. Prepare the model again.`, {
      cause: error,
    });
  }
}

/** specialTokens finds what a tokenizer puts around a text by comparing one text with and without it. */
function specialTokens(bare: readonly number[], dressed: readonly number[]): { prefix: number[]; suffix: number[] } {
  for (let at = 0; at + bare.length <= dressed.length; at += 1) {
    if (bare.every((id, offset) => dressed[at + offset] === id)) {
      return { prefix: dressed.slice(0, at), suffix: dressed.slice(at + bare.length) };
    }
  }
  throw new Error("the tokenizer changes a text when it adds special tokens");
}
