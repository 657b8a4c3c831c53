/**
 * The models that a worker has loaded: its encoder, and further ones from the moment a text needs them. One that cannot be loaded is
 * tried again, not before a while that doubles; meanwhile whoever asks hears why. Reads a clock, sets no timer. Called by worker.ts.
 */
import type { EncoderBatching } from "@turnout/shared";
import { loadEncoder, type Encoder } from "./backends/index.ts";
import { inspectEncoder } from "./backends/warm-up.ts";
import { loadHeads, type HeadMatrix } from "./heads.ts";
import type { ModelSettings } from "./messages.ts";
import { labelScheme, type LabelScheme } from "./model/entities.ts";
import { requireExactProducts } from "./model/exact-products.ts";

/** LoadedModel is a model that can run. */
export interface LoadedModel {
  readonly settings: ModelSettings;
  readonly encoder: Encoder;
  readonly heads: HeadMatrix;
  readonly batching: EncoderBatching;
  /** Null unless it is a token classifier. */
  readonly scheme: LabelScheme | null;
}

/** ModelLoader loads one model. */
export type ModelLoader = (settings: ModelSettings) => Promise<LoadedModel>;

/** loadModel loads a model and finds out what it bears: each worker does so, at the cost of some short runs that it needs anyway. */
const loadModel: ModelLoader = async (settings) => {
  await requireExactProducts(settings.weightLimit);
  const [encoder, heads] = await Promise.all([loadEncoder(settings), loadHeads(settings)]);
  const batching = await inspectEncoder(encoder, settings.dimension > 0);
  return { settings, encoder, heads, batching, scheme: settings.tokenLabels === null ? null : labelScheme(settings.tokenLabels) };
};

const FIRST_RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 5 * 60_000;

interface Entry {
  loading: Promise<LoadedModel>;
  failures: number;
  /** When loading may be tried again; Infinity while it goes on or has succeeded. */
  retryAt: number;
}

export class LoadedModels {
  readonly #entries = new Map<string, Entry>();
  readonly #load: ModelLoader;
  readonly #now: () => number;

  constructor(load: ModelLoader = loadModel, now: () => number = () => performance.now()) {
    this.#load = load;
    this.#now = now;
  }

  /** get gives a model, loading it where need be. Rejects with why it cannot be loaded. */
  get(settings: ModelSettings): Promise<LoadedModel> {
    const known = this.#entries.get(settings.key);
    if (known !== undefined && this.#now() < known.retryAt) return known.loading;
    const entry: Entry = { loading: this.#load(settings), failures: known?.failures ?? 0, retryAt: Number.POSITIVE_INFINITY };
    this.#entries.set(settings.key, entry);
    // Whoever asks hears of a failure; an unheard one must not end the thread.
    entry.loading.catch(() => {
      entry.failures += 1;
      entry.retryAt = this.#now() + Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** (entry.failures - 1));
    });
    return entry.loading;
  }

  /** forget has the next `get` load at once, whatever became of the last attempt. */
  forget({ key }: ModelSettings): void {
    this.#entries.delete(key);
  }
}
