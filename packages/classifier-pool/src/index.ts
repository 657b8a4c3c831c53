/** The classifier pool: texts in, embeddings out, computed in worker threads. */
export type { FurtherModelOptions } from "./further-model.ts";
export { createClassifierPool, type ClassifierPoolOptions } from "./pool.ts";
export type { Encoder, EncoderLoader } from "./backends/index.ts";
