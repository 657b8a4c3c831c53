/** A file of a prepared model, as the manifest lists it. */
import { open } from "node:fs/promises";
import { join } from "node:path";
import { sha256OfFile } from "../checksum.ts";
import type { ModelManifest } from "../manifest.ts";

/** describeFile flushes a file to the disk and gives its size and checksum. */
export async function describeFile(directory: string, path: string, signal: AbortSignal): Promise<ModelManifest["files"][number]> {
  const file = join(directory, path);
  // For reading is enough to flush, and a copy of a read-only file is read-only.
  await using handle = await open(file, "r");
  await handle.sync(); // before the rename: a power cut must not leave a named model with empty files
  const [{ size }, sha256] = await Promise.all([handle.stat(), sha256OfFile(file, signal)]);
  return { path, bytes: size, sha256 };
}
