import { signals } from "../routing/signals/index.ts";
import { at, itemsOf, type Located, type LocatedMap, type Path } from "./located.ts";

/**
 * vLLM Semantic Router says once for all rules of some signals how they are detected, under `global.model_catalog.modules`. Here each
 * rule says it; those that do not are given the file's word. Called by the loader, before the schema, which then judges the values.
 */

const MODULES: Path = ["global", "model_catalog", "modules"];

/** applyDetectors gives rules what their signal's modules say and they do not; which settings those are, the registry knows. */
export function applyDetectors(root: LocatedMap): void {
  for (const { configKey, modules = {} } of signals as readonly { configKey: string; modules?: Readonly<Record<string, string>> }[]) {
    for (const [from, key] of Object.entries(modules)) {
      const setting = at(root, ...MODULES, ...from.split("."));
      if (setting === undefined || saysNothing(setting)) continue;
      for (const rule of itemsOf(at(root, "routing", "signals", configKey))) {
        if (rule.kind === "map" && !rule.entries.has(key)) rule.entries.set(key, movedTo([...rule.path, key], setting));
      }
    }
  }
}

/** saysNothing is true of null, and of 0 and "", Go's ways to say nothing. */
const saysNothing = (node: Located) => node.kind === "scalar" && (node.value === null || node.value === 0 || node.value === "");

/** movedTo keeps where the value is written: what is wrong with it is shown there. */
function movedTo(path: Path, node: Located): Located {
  if (node.kind === "list") return { ...node, path, items: node.items.map((item, index) => movedTo([...path, index], item)) };
  if (node.kind === "scalar") return { ...node, path };
  return { ...node, path, entries: new Map([...node.entries].map(([key, value]) => [key, movedTo([...path, key], value)])) };
}
