/**
 * Anchors are the texts of a configuration that prompts are compared with: domain descriptions, exemplars, candidates. They are
 * encoded when the encoder becomes ready, never while a request waits.
 */
import { RouterError, type CallOptions, type Embedder, type TextWindow } from "@turnout/shared";

/** How many anchors are asked for at once: a start-up must not fill the pool's bounded queue in front of requests. */
const CHUNK = 16;

export class Anchors {
  readonly #texts: readonly string[];
  readonly #rows: ReadonlyMap<string, number>;
  readonly #window: TextWindow;
  readonly #group: readonly string[];
  #vectors: readonly Float32Array[] | null = null;

  /** The texts of `group` are one anchor together, their centre, in the row `groupRow`. */
  constructor(texts: Iterable<string>, window: TextWindow, group: readonly string[] = []) {
    this.#texts = [...new Set(texts)];
    this.#rows = new Map(this.#texts.map((text, row) => [text, row]));
    this.#window = window;
    this.#group = group;
  }

  /** warm encodes all anchors anew, so that a changed model revision never meets vectors of the former one. */
  async warm(embedder: Embedder, options: CallOptions): Promise<void> {
    const vectors: Float32Array[] = [];
    const texts = [...this.#texts, ...this.#group];
    for (let start = 0; start < texts.length; start += CHUNK) {
      const items = texts.slice(start, start + CHUNK).map((text) => ({ text, window: this.#window }));
      for (const embedding of await embedder.embed(items, options)) vectors.push(embedding.vector);
    }
    const group = vectors.splice(this.#texts.length);
    this.#vectors = group.length === 0 ? vectors : [...vectors, centreOf(group)];
  }

  /** groupRow is where the similarity to the group's centre stands in what `similarities` returns. */
  get groupRow(): number {
    return this.#texts.length;
  }

  /** requireWarm throws `encoder_unavailable` while there are no vectors to compare with. */
  requireWarm(): void {
    if (this.#vectors === null)
      throw new RouterError("encoder_unavailable", "the anchors are not encoded yet: no encoder has been ready so far");
  }

  /** indexOf says where a text's similarity stands in what `similarities` returns. */
  indexOf(text: string): number {
    return this.#rows.get(text) ?? -1;
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

/** centreOf some unit vectors is the unit vector in the direction of their mean. */
function centreOf(vectors: readonly Float32Array[]): Float32Array {
  const centre = new Float32Array(vectors[0]?.length ?? 0);
  for (const vector of vectors) for (let i = 0; i < centre.length; i += 1) centre[i] = (centre[i] as number) + (vector[i] as number);
  const length = Math.hypot(...centre);
  return length === 0 ? centre : centre.map((value) => value / length);
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
