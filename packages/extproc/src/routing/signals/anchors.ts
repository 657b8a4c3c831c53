/**
 * Anchors are the texts of a configuration that prompts are compared with: domain descriptions, exemplars, candidates. They are
 * encoded when the encoder becomes ready, never while a request waits.
 */
import { RouterError, type CallOptions, type Embedder, type TextWindow } from "@turnout/shared";

/** How many anchors are asked for at once: a start-up must not fill the pool's bounded queue in front of requests. */
const CHUNK = 16;

export class Anchors {
  readonly #texts: readonly string[];
  readonly #window: TextWindow;
  #vectors: readonly Float32Array[] | null = null;

  constructor(texts: Iterable<string>, window: TextWindow) {
    this.#texts = [...new Set(texts)];
    this.#window = window;
  }

  /** warm encodes all anchors anew, so that a changed model revision never meets vectors of the former one. */
  async warm(embedder: Embedder, options: CallOptions): Promise<void> {
    const vectors: Float32Array[] = [];
    for (let start = 0; start < this.#texts.length; start += CHUNK) {
      const items = this.#texts.slice(start, start + CHUNK).map((text) => ({ text, window: this.#window }));
      for (const embedding of await embedder.embed(items, options)) vectors.push(embedding.vector);
    }
    this.#vectors = vectors;
  }

  /** requireWarm throws `encoder_unavailable` while there are no vectors to compare with. */
  requireWarm(): void {
    if (this.#vectors === null)
      throw new RouterError("encoder_unavailable", "the anchors are not encoded yet: no encoder has been ready so far");
  }

  /** indexOf says where a text's similarity stands in what `similarities` returns. */
  indexOf(text: string): number {
    return this.#texts.indexOf(text);
  }

  /** similarities are the cosines of one vector to all anchors. */
  similarities(vector: Float32Array): Float32Array {
    this.requireWarm();
    const vectors = this.#vectors ?? [];
    const cosines = new Float32Array(vectors.length);
    for (let row = 0; row < vectors.length; row += 1) cosines[row] = dot(vector, vectors[row] as Float32Array);
    return cosines;
  }
}

/** dot is the cosine of two normalised vectors. */
function dot(a: Float32Array, b: Float32Array): number {
  if (a.length !== b.length) {
    throw new RouterError(
      "encoder_unavailable",
      `anchors have ${b.length} dimensions, the encoder gives ${a.length}: they wait to be encoded anew`,
    );
  }
  let sum = 0;
  for (let i = 0; i < a.length; i += 1) sum += (a[i] as number) * (b[i] as number);
  return sum;
}
