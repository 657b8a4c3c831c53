/**
 * The registry of inference backends. A backend loads an encoder inside a worker; one more backend is one file and one line
 * here. Only worker.ts loads from it, so that the main thread never holds an ONNX session.
 */
import type { ModelSettings } from "../messages.ts";
import type { TextScanner } from "../tokens/scanner.ts";
import type { TextTokenizer } from "../tokens/tokenizer.ts";

/** TokenBatch is `rows` texts padded to `width` tokens with id 0, row after row; `lengths` has each row's real tokens. */
export interface TokenBatch {
  readonly rows: number;
  readonly width: number;
  readonly ids: Int32Array;
  readonly lengths: Int32Array;
}

/** Encoder is a loaded model. Whether its answer for a text depends on the other texts of a batch, warm-up.ts finds out. */
export interface Encoder {
  /** Numbers per text: of its vector, or the logits of a model that classifies. With a scanner: numbers per token. */
  readonly dimension: number;
  readonly tokenizer: TextTokenizer;
  /** Set for models that label tokens: their `run` gives `width` times `dimension` numbers per row, padding included. */
  readonly scanner?: TextScanner;
  /** Returns `rows` L2-normalised vectors (or logits, as they are), one after another, in memory that may be transferred. */
  run(batch: TokenBatch): Promise<Float32Array>;
  /** Frees the session early, for whoever only tries a model out. */
  close?(): Promise<void>;
}

/** EncoderLoader is what a backend module exports as `load`. Rejects with RouterError "model_corrupt" when the model cannot be used. */
export type EncoderLoader = (settings: ModelSettings) => Promise<Encoder>;

/** Loaded on demand: a worker of the deterministic backend never loads the ONNX runtime. */
const backends = {
  onnx: () => import("./onnx.ts"),
  deterministic: () => import("./deterministic.ts"),
} as const satisfies Record<string, () => Promise<{ load: EncoderLoader }>>;

/** BackendName is the closed list of registered backends. */
export type BackendName = keyof typeof backends;

/** loadEncoder loads with the named backend, or with the module at the given file URL. */
export async function loadEncoder(settings: ModelSettings): Promise<Encoder> {
  const { backend } = settings;
  const module: { load: EncoderLoader } = isBackendName(backend) ? await backends[backend]() : await import(backend);
  return module.load(settings);
}

function isBackendName(name: string): name is BackendName {
  return Object.hasOwn(backends, name);
}
