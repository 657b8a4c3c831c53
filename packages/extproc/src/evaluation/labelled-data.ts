/** Reads a labelled JSONL file. Every line is checked; a wrong one is named with file, line and what was expected. */
import { readFile } from "node:fs/promises";
import { RouterError } from "@turnout/shared";
import { z } from "zod";

/** lineSchemas are the lines of each task; further keys are allowed and not read. */
export const lineSchemas = {
  domain: z.object({ text: z.string(), label: z.string().min(1) }),
  intent: z.object({ text: z.string(), label: z.string().min(1) }),
  jailbreak: z.object({ text: z.string(), label: z.union([z.literal(0), z.literal(1)]) }),
  pii: z.object({ text: z.string(), label: z.array(z.tuple([z.int().min(0), z.int().min(0), z.string().min(1)])) }),
} as const;

/** readLabelled rejects with RouterError "request_invalid". */
export async function readLabelled<Line extends z.ZodType>(file: string, line: Line): Promise<z.output<Line>[]> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    throw new RouterError("request_invalid", `${file} cannot be read: ${(error as Error).message}`, { cause: error });
  }
  const rows: z.output<Line>[] = [];
  text.split("\n").forEach((source, index) => {
    if (source.trim() === "") return;
    let value: unknown;
    try {
      value = JSON.parse(source);
    } catch (error) {
      throw new RouterError("request_invalid", `${file}:${index + 1}: expected one JSON object a line: ${(error as Error).message}`);
    }
    const parsed = line.safeParse(value);
    if (!parsed.success) throw new RouterError("request_invalid", `${file}:${index + 1}: ${z.prettifyError(parsed.error)}`);
    rows.push(parsed.data);
  });
  if (rows.length === 0) throw new RouterError("request_invalid", `${file} has no lines`);
  return rows;
}
