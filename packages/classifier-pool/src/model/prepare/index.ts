/**
 * `@turnout/classifier-pool/prepare`: turns a published checkpoint into the model that the pool loads. Called by
 * `turnout models`, `npm start` and tests; never by a running pool. A model that is already there costs a few file stats.
 */
import { randomUUID } from "node:crypto";
import { mkdir, readdir, rename, rm } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import type { Logger } from "@turnout/shared";
import { RouterError } from "@turnout/shared";
import type { ModelManifest, ModelVariant } from "../manifest.ts";
import { loadManifest } from "../manifest.ts";
import { adoptModel } from "./as-is.ts";
import { convertCheckpoint, revisionOf } from "./convert.ts";
import { GRAPH_RECIPE } from "./graph.ts";
import type { ModelDescriptor } from "./known-models.ts";
import { describeModel } from "./known-models.ts";
import { withLock } from "./lock.ts";
import type { AsIsSettings } from "./published-settings.ts";
import type { PrepareProgress, SourceName } from "./source.ts";
import { fetchCheckpoint } from "./source.ts";

export { isOnnxDirectory } from "./as-is.ts";
export { loadManifest, poolingSchema, variantSchema, type Pooling, type ModelManifest, type ModelVariant } from "../manifest.ts";
export { defaultModel, knownModels, type ModelDescriptor } from "./known-models.ts";
export type { AsIsSettings } from "./published-settings.ts";
export type { PrepareProgress, SourceName } from "./source.ts";

/** PrepareOptions say which model to prepare, where, and from what. */
export interface PrepareOptions {
  /** A known model's name, or any name for a checkpoint in `directory`. */
  readonly name: string;
  readonly variant: ModelVariant;
  /** Leave off after this many of the encoder's layers: quicker and less exact. Not for "as-is". */
  readonly layers?: number;
  /** How to run an "as-is" model; given, the model in `directory` is adopted anew even when one is there. */
  readonly asIs?: AsIsSettings;
  readonly modelsDirectory: string;
  /** Tried in this order. */
  readonly sources: readonly SourceName[];
  /** The checkpoint's directory, for the source "directory". */
  readonly directory?: string;
  /** True: build it anew even when it is there. */
  readonly force?: boolean;
  readonly onProgress?: (progress: PrepareProgress) => void;
  readonly signal?: AbortSignal;
  readonly logger?: Logger;
  /** HF_ENDPOINT, HF_TOKEN, HF_HUB_OFFLINE and what pip reads; default process.env. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/** PreparedModel is a model ready to load. */
export interface PreparedModel {
  /** What the pool takes as its model directory. */
  readonly directory: string;
  readonly manifest: ModelManifest;
  /** False: it was there already. */
  readonly built: boolean;
}

/**
 * prepareModel gives the named model, building it when it is not there. Several processes may call it at once: one builds,
 * the others wait. Throws RouterError: "model_source_unreachable" with each source's reason and remedy, "model_unsupported",
 * "model_corrupt", "request_invalid" for a bad name, "cancelled".
 */
export async function prepareModel(options: PrepareOptions): Promise<PreparedModel> {
  const { name, variant, modelsDirectory, logger, layers = null } = options;
  const anew = options.force === true || (variant === "as-is" && options.asIs !== undefined);
  if (!/^[A-Za-z0-9][\w.-]*$/.test(name))
    throw new RouterError("request_invalid", `"${name}" cannot be a model's name: letters, digits, ".", "_", "-"`);
  const model = describeModel(name);
  const home = join(modelsDirectory, name);
  const directory = modelDirectory(modelsDirectory, name, variant, layers);
  const reuse = async (): Promise<PreparedModel | null> => {
    const manifest = await intactManifest(directory, model, variant, layers);
    return manifest === null ? null : { directory, manifest, built: false };
  };

  const ready = anew ? null : await reuse();
  if (ready !== null) return ready;
  await mkdir(home, { recursive: true });
  const signal = options.signal ?? new AbortController().signal;
  const onWait = () => logger?.info({ model: name }, "another process prepares this model; waiting for it");
  return withLock(join(home, ".lock"), { signal, onWait }, async () => {
    const meanwhile = anew ? null : await reuse();
    if (meanwhile !== null) return meanwhile;
    try {
      return { directory, manifest: await build(model, directory, home, signal, options), built: true };
    } catch (error) {
      if (signal.aborted) throw new RouterError("cancelled", `preparing ${name} was interrupted`, { cause: error });
      throw error;
    }
  });
}

/** modelDirectory is where a prepared model lives; a changed graph recipe, or fewer layers, get a directory of their own. */
export function modelDirectory(modelsDirectory: string, name: string, variant: ModelVariant, layers: number | null = null): string {
  return join(modelsDirectory, name, `${variant}${layers === null ? "" : `-l${layers}`}-r${GRAPH_RECIPE}`);
}

/** defaultModelsDirectory is TURNOUT_MODELS_DIR, or turnout/models in the user's cache directory. */
export function defaultModelsDirectory(env: Readonly<Record<string, string | undefined>> = process.env): string {
  return env.TURNOUT_MODELS_DIR || join(env.XDG_CACHE_HOME || join(homedir(), ".cache"), "turnout", "models");
}

/** ListedModel is one directory that holds or should hold a prepared model. */
export type ListedModel =
  | { readonly directory: string; readonly manifest: ModelManifest }
  | { readonly directory: string; readonly manifest: null; readonly problem: string };

/** listModels shows what is prepared, broken ones with their problem. An absent directory is an empty list. */
export async function listModels(modelsDirectory: string, options: { readonly verify?: boolean } = {}): Promise<ListedModel[]> {
  const listed: ListedModel[] = [];
  for (const name of await directoriesIn(modelsDirectory)) {
    for (const variant of await directoriesIn(join(modelsDirectory, name))) {
      const directory = join(modelsDirectory, name, variant);
      try {
        listed.push({ directory, manifest: await loadManifest(directory, options) });
      } catch (error) {
        listed.push({ directory, manifest: null, problem: RouterError.from(error).message });
      }
    }
  }
  return listed;
}

async function build(
  model: ModelDescriptor,
  directory: string,
  home: string,
  signal: AbortSignal,
  options: PrepareOptions,
): Promise<ModelManifest> {
  await removeLeftovers(home);
  const downloads = join(home, `.downloads-${model.revision ?? "local"}`);
  const building = join(home, `.building-${randomUUID()}`);
  await mkdir(building);
  try {
    const manifest = await writeModel(model, building, downloads, signal, options);
    // Whatever is there is broken, outdated or unwanted. A pool that has it open keeps its pages.
    await rm(directory, { recursive: true, force: true });
    await rename(building, directory);
    await rm(downloads, { recursive: true, force: true });
    return manifest;
  } finally {
    await rm(building, { recursive: true, force: true });
  }
}

/** writeModel fills the directory `building`: with a published graph, or with our own made from a checkpoint. */
async function writeModel(
  model: ModelDescriptor,
  building: string,
  downloads: string,
  signal: AbortSignal,
  options: PrepareOptions,
): Promise<ModelManifest> {
  const { variant, layers = null, sources, directory = null, asIs = {}, env = process.env, onProgress = () => undefined } = options;
  const { name } = model;
  if (variant !== "as-is") {
    const checkpoint = await fetchCheckpoint(sources, { model, directory, downloads, env, onProgress, signal });
    return convertCheckpoint({ model, variant, layers, checkpoint, directory: building, onProgress, signal });
  }
  if (layers !== null)
    throw new RouterError("model_unsupported", "layers can be left out only where the graph is ours; an as-is model runs whole");
  if (directory === null) {
    throw new RouterError(
      "model_source_unreachable",
      `"${name}" is not prepared as it is. Run: turnout models prepare ${name} --as-is --directory DIR`,
    );
  }
  return adoptModel({ name, source: directory, settings: asIs, directory: building, onProgress, signal });
}

/** removeLeftovers deletes what a killed process was building. Downloads stay: they are continued. */
async function removeLeftovers(home: string): Promise<void> {
  for (const entry of await readdir(home)) {
    if (entry.startsWith(".building-")) await rm(join(home, entry), { recursive: true, force: true });
  }
}

async function intactManifest(
  directory: string,
  model: ModelDescriptor,
  variant: ModelVariant,
  layers: number | null,
): Promise<ModelManifest | null> {
  const manifest = await loadManifest(directory).catch(() => null);
  if (manifest === null || manifest.name !== model.name || manifest.variant !== variant || manifest.recipe !== GRAPH_RECIPE) return null;
  return variant === "as-is" || model.revision === null || manifest.revision === revisionOf(model.revision, layers) ? manifest : null;
}

async function directoriesIn(path: string): Promise<string[]> {
  const entries = await readdir(path, { withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith("."))
    .map((entry) => entry.name)
    .sort();
}
