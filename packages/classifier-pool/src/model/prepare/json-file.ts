/** JSON documents of a checkpoint, read against what we must know of them. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { RouterError } from "@turnout/shared";
import { z } from "zod";

/** parseDocument reads a document's text. Throws RouterError("model_corrupt") that names the file and what is wrong in it. */
export function parseDocument<Schema extends z.ZodType>(file: string, schema: Schema, text: string): z.output<Schema> {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (cause) {
    throw new RouterError("model_corrupt", `${file} is not JSON`, { cause });
  }
  const parsed = schema.safeParse(document);
  if (!parsed.success) throw new RouterError("model_corrupt", `${file}: ${z.prettifyError(parsed.error)}`);
  return parsed.data;
}

/** readDocument reads a document that may be absent (null). */
export async function readDocument<Schema extends z.ZodType>(
  directory: string,
  file: string,
  schema: Schema,
): Promise<z.output<Schema> | null> {
  const text = await readFile(join(directory, file), "utf8").catch(() => null);
  return text === null ? null : parseDocument(file, schema, text);
}
