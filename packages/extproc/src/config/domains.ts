import type { SourceText } from "./config-error.ts";
import { warningAt, type ConfigWarning } from "./config-warning.ts";
import { at, isEmpty, itemsOf, textOf, type Located, type LocatedMap } from "./located.ts";

/**
 * vLLM Semantic Router declares domains by itself when a file only refers to them. It gives each the category "other"; here a
 * domain is recognised by its name instead, because every one of them matching the same texts would serve nobody.
 */
export function declareReferencedDomains(root: LocatedMap, source: SourceText): readonly ConfigWarning[] {
  const routing = at(root, "routing");
  const declared = at(routing, "signals", "domains");
  if (routing?.kind !== "map" || !isEmpty(declared)) return [];
  const referenced = new Map<string, Located>();
  for (const decision of itemsOf(at(routing, "decisions"))) collect(at(decision, "rules"), referenced);
  const [first] = referenced.values();
  const signals = signalsOf(routing);
  if (first === undefined || signals === null) return [];
  const items = [...referenced].map(([name, node], index): LocatedMap => {
    const path = [...signals.path, "domains", index];
    const scalar: Located = {
      kind: "scalar",
      path: [...path, "name"],
      key: null,
      span: node.span,
      value: name,
      source: name,
      substituted: false,
    };
    return { kind: "map", path, key: null, span: node.span, entries: new Map([["name", scalar]]) };
  });
  signals.entries.set("domains", { kind: "list", path: [...signals.path, "domains"], key: null, span: first.span, items });
  const message = `routing.signals.domains is not declared: domains are recognised by their names alone (${[...referenced.keys()].join(", ")}); give each a description`;
  return [warningAt(source, first, message)];
}

function signalsOf(routing: LocatedMap): LocatedMap | null {
  const signals = routing.entries.get("signals");
  if (signals?.kind === "map") return signals;
  if (!isEmpty(signals)) return null;
  const made: LocatedMap = { kind: "map", path: [...routing.path, "signals"], key: null, span: routing.span, entries: new Map() };
  routing.entries.set("signals", made);
  return made;
}

function collect(condition: Located | undefined, referenced: Map<string, Located>): void {
  const nameNode = at(condition, "name");
  const name = textOf(nameNode);
  if (nameNode !== undefined && name !== undefined && textOf(at(condition, "type")) === "domain" && !referenced.has(name))
    referenced.set(name, nameNode);
  for (const child of itemsOf(at(condition, "conditions"))) collect(child, referenced);
}
