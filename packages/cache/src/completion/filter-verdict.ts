/** What Azure's content filters say beside an answer. It is about one exchange and comes in other pieces than the answer. Pure. */
import { isMembers } from "./json.ts";

const VERDICTS: ReadonlySet<string> = new Set(["content_filter_results", "content_filter_offsets", "prompt_filter_results"]);

/** filterVerdict is null for members that are none; a clean one need not be kept. */
export function filterVerdict(name: string, value: unknown): "clean" | "content_filter" | null {
  if (!VERDICTS.has(name)) return null;
  return hasTrue(value) ? "content_filter" : "clean";
}

/** hasTrue finds any `filtered` or `detected` that is true, wherever it stands. */
function hasTrue(value: unknown): boolean {
  if (value === true) return true;
  if (Array.isArray(value)) return value.some(hasTrue);
  return isMembers(value) && Object.values(value).some(hasTrue);
}
