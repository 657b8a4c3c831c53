/** Reading JSON of others, bounded in depth so that whatever walks it later may recurse. Pure. */
import type { Members } from "./completion.ts";

/** ANSWER_DEPTH is more than anybody's answer has: those seen have eight levels. */
export const ANSWER_DEPTH = 64;

/** parseJson gives null for a text that is not JSON, or is nested deeper than `maxDepth`. */
export function parseJson(text: string, maxDepth: number): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return isShallow(value, maxDepth) ? value : null;
  } catch {
    return null;
  }
}

/** isMembers is true of JSON objects. */
export function isMembers(value: unknown): value is Members {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** isNothing is true of what means the same as an absent member. */
export function isNothing(value: unknown): value is null | undefined {
  return value === null || value === undefined;
}

function isShallow(value: unknown, depth: number): boolean {
  if (typeof value !== "object" || value === null) return true;
  if (depth === 0) return false;
  for (const member of Array.isArray(value) ? value : Object.values(value)) {
    if (!isShallow(member, depth - 1)) return false;
  }
  return true;
}
