import { pluginAliases } from "../routing/surface.ts";
import type { ProblemReport } from "./config-error.ts";
import { at, itemsOf, type LocatedMap } from "./located.ts";

/** Old spellings that vLLM Semantic Router still reads, brought to the present ones before anything looks at the document. Two spellings of one thing are refused. */
const renamedKeys = [{ within: ["global", "stores"], old: "semantic_cache", now: "response_cache" }] as const;

/** normaliseAliases changes the tree in place. */
export function normaliseAliases(root: LocatedMap, report: ProblemReport): void {
  for (const { within, old, now } of renamedKeys) {
    const map = at(root, ...within);
    if (map?.kind !== "map") continue;
    const value = map.entries.get(old);
    if (value === undefined) continue;
    if (map.entries.has(now)) {
      report.add({
        path: value.path,
        span: value.key ?? value.span,
        found: `"${old}" beside "${now}"`,
        expected: "one of the two: they are the same setting",
        advice: `Keep "${now}"; "${old}" is the old spelling.`,
      });
    } else {
      map.entries.set(now, value);
    }
    map.entries.delete(old);
  }
  for (const decision of itemsOf(at(root, "routing", "decisions"))) {
    for (const plugin of itemsOf(at(decision, "plugins"))) {
      const type = at(plugin, "type");
      if (type?.kind === "scalar" && typeof type.value === "string") type.value = pluginAliases.get(type.value) ?? type.value;
    }
  }
}
