/**
 * A further model of the pool, from its name to its description: finding (or preparing) its files and reading its manifest, again and
 * again with growing pauses while that fails. Its weights are not loaded here; workers do that at their first batch. Made by pool.ts.
 */
import { RouterError } from "@turnout/shared";
import { loadManifest } from "./model/manifest.ts";
import { describeModel, type ModelDescription } from "./model/model-description.ts";

/** FurtherModelOptions say where a further model is. */
export interface FurtherModelOptions {
  /** Directory of the prepared model, or what gives it, perhaps after preparing it. */
  readonly directory: string | ((signal: AbortSignal) => Promise<string>);
  /** Serve only the first numbers of its vectors. */
  readonly dimension?: number;
  /** True: every worker loads it before it serves; the pool is settled only then. Default: at the first text for it. */
  readonly preload?: boolean;
}

/** ModelState is how far a further model is. */
export type ModelState =
  | { readonly state: "starting" }
  | { readonly state: "ready"; readonly description: ModelDescription }
  | { readonly state: "unavailable"; readonly reason: string };

const FIRST_RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 5 * 60_000;

export class FurtherModel {
  readonly name: string;
  readonly preload: boolean;
  readonly #options: FurtherModelOptions;
  readonly #onChange: (model: FurtherModel) => void;
  readonly #stop = new AbortController();
  #state: ModelState = { state: "starting" };
  #failures = 0;
  #retry: NodeJS.Timeout | undefined;

  /** `onChange` is called at every new state. */
  constructor(name: string, options: FurtherModelOptions, onChange: (model: FurtherModel) => void) {
    this.name = name;
    this.preload = options.preload ?? false;
    this.#options = options;
    this.#onChange = onChange;
  }

  get state(): ModelState {
    return this.#state;
  }

  /** open resolves, never rejects, once the model is described, or has failed for the first time. */
  async open(): Promise<void> {
    const { directory, dimension } = this.#options;
    try {
      const found = typeof directory === "string" ? directory : await directory(this.#stop.signal);
      const manifest = await loadManifest(found);
      this.#become({ state: "ready", description: describeModel(manifest, found, dimension === undefined ? {} : { dimension }) });
    } catch (error) {
      this.#failures += 1;
      this.#become({ state: "unavailable", reason: RouterError.from(error).message });
      if (this.#stop.signal.aborted) return;
      const pause = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** (this.#failures - 1));
      this.#retry = setTimeout(() => void this.open(), pause).unref();
    }
  }

  close(): void {
    this.#stop.abort(new RouterError("cancelled", "the classifier pool was closed"));
    clearTimeout(this.#retry);
  }

  #become(state: ModelState): void {
    if (this.#stop.signal.aborted) return;
    this.#state = state;
    this.#onChange(this);
  }
}
