import { jailbreak } from "../routing/signals/jailbreak.ts";
import { at, itemsOf, textOf, type LocatedMap } from "./located.ts";

/**
 * vLLM Semantic Router says once for all jailbreak rules what a failure counts as: `global.model_catalog.modules.prompt_guard.on_error:
 * block`. Here each rule says it; those that do not are given the file's word. Called by the loader, before the schema.
 */
export function applyPromptGuard(root: LocatedMap): void {
  const guard = at(root, "global", "model_catalog", "modules", "prompt_guard", "on_error");
  if (guard === undefined || textOf(guard) !== "block") return;
  for (const rule of itemsOf(at(root, "routing", "signals", jailbreak.configKey))) {
    if (rule.kind !== "map" || rule.entries.has("on_error")) continue;
    const path = [...rule.path, "on_error"];
    rule.entries.set("on_error", {
      kind: "scalar",
      path,
      key: null,
      span: guard.span,
      value: "match",
      source: "match",
      substituted: false,
    });
  }
}
