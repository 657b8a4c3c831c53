/**
 * The contrastive method: how much nearer a text is to a rule's jailbreak patterns than to its benign patterns, by the encoder's
 * vectors. The encoder costs milliseconds where the embedded tier costs microseconds, so it reads the few riskiest chunks only; what it
 * has not read is told, and never taken for harmless. Called by the jailbreak signal.
 */
import { RouterError, type CallOptions, type Embedder, type RequestInference, type TextWindow } from "@turnout/shared";
import { Anchors } from "../signals/anchors.ts";
import { Chunks, type Cut } from "./chunks.ts";
import { CueReader } from "./cues.ts";

/** Patterns are what one rule compares with. */
export interface Patterns {
  readonly jailbreak: readonly string[];
  readonly benign: readonly string[];
}

/** Contrasts are one rule's highest scores so far, -2 to 2; null while nothing has been read. */
export interface Contrasts {
  /** Of chunks of the first text. */
  first: number | null;
  /** Of all texts. */
  all: number | null;
}

/** About 70 English words, and within the window of most encoders in every language. */
const ENCODER_CUT: Cut = { length: 400, stride: 300 };
const CHUNK_WINDOW: TextWindow = { maxTokens: 512, sampling: "head" };
/** Chunks of one request that the encoder reads. */
const MAX_CHUNKS = 8;
/** Chunks of one request whose cues are counted, which is done before the first await: 1 to 2 ms. Of more, those at both ends. */
const MAX_RANKED = 256;

export class PatternContrast {
  readonly #anchors: Anchors;
  readonly #rows: readonly { readonly jailbreak: readonly number[]; readonly benign: readonly number[] }[];
  readonly #window: TextWindow;
  readonly #reader = new CueReader();

  /** `window` is what other signals read of a text: a short one is then encoded once for all of them. */
  constructor(rules: readonly Patterns[], window: TextWindow) {
    this.#window = window;
    this.#anchors = new Anchors(
      rules.flatMap(({ jailbreak, benign }) => [...jailbreak, ...benign]),
      window,
    );
    const rowsOf = (texts: readonly string[]) => texts.map((text) => this.#anchors.indexOf(text));
    this.#rows = rules.map(({ jailbreak, benign }) => ({ jailbreak: rowsOf(jailbreak), benign: rowsOf(benign) }));
  }

  warm(embedder: Embedder, options: CallOptions): Promise<void> {
    return this.#anchors.warm(embedder, options);
  }

  /**
   * ask reads the texts and keeps `contrasts`, one per rule, up to date: whoever waits no longer has what was read by then. It asks the
   * encoder before its first await, and rejects with what kept a chunk from being read ("text_unscanned" where there are too many).
   */
  async ask(texts: readonly string[], inference: RequestInference, contrasts: readonly Contrasts[]): Promise<void> {
    this.#anchors.requireWarm();
    const chunks = new Chunks(texts, ENCODER_CUT);
    const read = this.#riskiest(chunks);
    const outcomes = await Promise.allSettled(
      read.map((chunk) => this.#readChunk(chunks.at(chunk), chunks.textOf(chunk) === 0, inference, contrasts)),
    );
    const failed = outcomes.find((outcome) => outcome.status === "rejected");
    if (failed !== undefined) throw failed.reason;
    if (read.length < chunks.count) {
      throw new RouterError("text_unscanned", `the encoder has read the ${read.length} riskiest of ${chunks.count} chunks`);
    }
  }

  async #readChunk(text: string, isOfFirst: boolean, inference: RequestInference, contrasts: readonly Contrasts[]): Promise<void> {
    const { vector, sampled } = await inference.embed(text, text.length < ENCODER_CUT.length ? this.#window : CHUNK_WINDOW);
    const cosines = this.#anchors.similarities(vector);
    this.#rows.forEach(({ jailbreak, benign }, rule) => {
      const score = nearest(cosines, jailbreak) - (benign.length === 0 ? 0 : nearest(cosines, benign));
      const contrast = contrasts[rule] as Contrasts;
      contrast.all = Math.max(contrast.all ?? score, score);
      if (isOfFirst) contrast.first = Math.max(contrast.first ?? score, score);
    });
    if (sampled) throw new RouterError("text_unscanned", "a chunk is longer than the encoder's window");
  }

  /** #riskiest are the chunks with the most cues. */
  #riskiest(chunks: Chunks): readonly number[] {
    const all = Array.from({ length: chunks.count }, (_, chunk) => chunk);
    if (chunks.count <= MAX_CHUNKS) return all;
    const ranked = chunks.count <= MAX_RANKED ? all : [...all.slice(0, MAX_RANKED / 2), ...all.slice(-MAX_RANKED / 2)];
    return ranked
      .map((chunk) => ({ chunk, cues: this.#reader.count(chunks.at(chunk)) }))
      .toSorted((a, b) => b.cues - a.cues)
      .slice(0, MAX_CHUNKS)
      .map(({ chunk }) => chunk);
  }
}

function nearest(cosines: Float32Array, rows: readonly number[]): number {
  let best = -1;
  for (const row of rows) best = Math.max(best, cosines[row] ?? -1);
  return best;
}
