/** Reads a labelled JSONL file. Every line is checked; a wrong one is named with file, line and what was expected. */
import { readFile } from "node:fs/promises";
import { RouterError } from "@turnout/shared";
import { z } from "zod";
import { nearest } from "../config/nearest.ts";

const labelled = z.object({ text: z.string(), label: z.string().min(1) });
const span = z.tuple([z.int().min(0), z.int().min(0), z.string().min(1)]);

/** lineSchemas are the lines of each task; further keys are allowed and not read. Offsets of spans are UTF-16 units. */
export const lineSchemas = {
  domain: labelled,
  intent: labelled.extend({ text: z.string().min(1) }),
  cache: z.object({ text: z.string().min(1), text2: z.string().min(1), label: z.literal([0, 1]) }),
  jailbreak: z.object({ text: z.string(), label: z.literal([0, 1]) }),
  pii: z
    .object({ text: z.string(), label: z.array(span) })
    .refine(({ text, label }) => label.every(([start, end]) => start < end && end <= text.length), {
      path: ["label"],
      message: "expected [start, end, TYPE] with start < end, both within the text",
    }),
} as const;

/** knownLabels narrows a task's lines to labels that can be right, however they are spelled; another is refused with the nearest of them. */
export function knownLabels(known: readonly string[]): typeof lineSchemas.domain {
  const spelled = new Set(known.map(plainLabel));
  return lineSchemas.domain.extend({
    label: z.string().refine((label) => spelled.has(plainLabel(label)), {
      error: ({ input }) => {
        const meant = nearest(String(input), known);
        return `expected one of ${known.join(", ")}, got "${String(input)}"${meant === null ? "" : `; did you mean "${meant}"?`}`;
      },
    }),
  });
}

/** plainLabel is a domain as people spell it differently. */
export const plainLabel = (name: string): string => name.toLowerCase().replaceAll(/[_-]/g, " ").trim();

/** readLabelled rejects with RouterError "request_invalid". */
export async function readLabelled<Line extends z.ZodType>(file: string, line: Line): Promise<z.output<Line>[]> {
  const text = await readFile(file, "utf8").catch((cause: Error) => {
    throw new RouterError("request_invalid", `${file} cannot be read: ${cause.message}`, { cause });
  });
  const rows = text.split("\n").flatMap((source, index) => (source.trim() === "" ? [] : [parseLine(source, line, `${file}:${index + 1}`)]));
  if (rows.length === 0) throw new RouterError("request_invalid", `${file} has no lines`);
  return rows;
}

function parseLine<Line extends z.ZodType>(source: string, line: Line, place: string): z.output<Line> {
  let value: unknown;
  try {
    value = JSON.parse(source.trim()); // trim also takes a byte order mark
  } catch (cause) {
    throw new RouterError("request_invalid", `${place}: expected one JSON object a line: ${(cause as Error).message}`, { cause });
  }
  const { data, error } = line.safeParse(value);
  if (error === undefined) return data;
  const problems = error.issues.map(({ path, message }) => (path.length === 0 ? message : `${path.join(".")}: ${message}`));
  throw new RouterError("request_invalid", `${place}: ${problems.join("; ")}`);
}
