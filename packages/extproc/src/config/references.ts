import type { SignalDefinition } from "@turnout/shared";
import { matchNames } from "../routing/signals/gates.ts";
import { signals } from "../routing/signals/index.ts";
import { pii } from "../routing/signals/pii.ts";
import type { ProblemReport } from "./config-error.ts";
import { at, itemsOf, textOf, type Located, type LocatedMap, type LocatedScalar, type Path } from "./located.ts";
import { nearest } from "./nearest.ts";

/**
 * Cross-checks that no schema can make: names are unique, and what refers to a name finds it. It reads the tree instead of the
 * validated document, so that a file with schema errors still hears of its other mistakes; but a reference is judged only
 * against declarations that are sound, because a misspelled block must not make every use of it an error.
 */
export function checkReferences(root: LocatedMap, report: ProblemReport): void {
  const decisions = itemsOf(at(root, "routing", "decisions"));
  const soundSignals = signals.filter(({ configKey }) => isSound(root, ["routing", "signals", configKey], report));
  const models = declaredModels(root, report);
  const conditions = decisions.map((decision) => leavesOf(at(decision, "rules")));

  checkUnique(root, report);
  for (const leaves of conditions) for (const leaf of leaves) checkCondition(root, leaf, soundSignals, report);
  for (const signal of soundSignals) checkGates(root, signal, soundSignals, report);
  if (models !== null) {
    checkDefaultModel(root, models, report);
    for (const decision of decisions) for (const ref of itemsOf(at(decision, "modelRefs"))) checkModelRef(ref, models, report);
    checkProviderModels(root, models, report);
  }
  checkReasoningFamilies(root, report);
  checkClassifierModels(root, report);
}

/** isSound is true of a list of declarations whose names can be relied on: none is missing, and it is not absent for a misspelled key beside it. */
function isSound(root: LocatedMap, path: Path, report: ProblemReport): boolean {
  const list = at(root, ...path);
  if (list === undefined) return !report.coversAnyIn(path.slice(0, -1));
  return !report.covers(path) && itemsOf(list).every((item) => named(item, "name") !== null);
}

function checkUnique(root: LocatedMap, report: ProblemReport): void {
  const lists: Path[] = [
    ["listeners"],
    ["providers", "models"],
    ["routing", "modelCards"],
    ["routing", "decisions"],
    ...signals.map(({ configKey }) => ["routing", "signals", configKey]),
  ];
  const nested: Located[] = [
    ...itemsOf(at(root, "providers", "models")).map((model) => at(model, "backend_refs")),
    ...itemsOf(at(root, "routing", "modelCards")).map((card) => at(card, "loras")),
  ].filter((list) => list !== undefined);
  for (const list of [...lists.map((path) => at(root, ...path)), ...nested]) {
    const seen = new Set<string>();
    for (const item of itemsOf(list)) {
      const name = named(item, "name");
      if (name === null) continue;
      if (seen.has(name.text)) fault(report, name.node, `the name "${name.text}" a second time`, "each name once in this list");
      seen.add(name.text);
    }
  }
}

function checkCondition(root: LocatedMap, leaf: Located, sound: readonly (typeof signals)[number][], report: ProblemReport): void {
  const type = named(leaf, "type");
  const name = named(leaf, "name");
  const signal = sound.find((known) => known.type === type?.text);
  if (signal === undefined || name === null) return;
  const rules = namesIn(at(root, "routing", "signals", signal.configKey)).flatMap((rule) => matchNames(signal, rule));
  if (rules.includes(name.text)) return;
  const expected = rules.length === 0 ? `a rule declared in routing.signals.${signal.configKey}` : rules.join(", ");
  fault(report, name.node, `no ${signal.type} rule "${name.text}"`, expected, nearest(name.text, rules));
}

/** checkGates judges the conditions that rules of a signal stand under: one asks for other signals, and for none that has gates itself. */
function checkGates(root: LocatedMap, signal: SignalDefinition, sound: readonly (typeof signals)[number][], report: ProblemReport): void {
  if (signal.gate === undefined) return;
  for (const rule of itemsOf(at(root, "routing", "signals", signal.configKey))) {
    for (const leaf of leavesOf(at(rule, signal.gate))) {
      const type = named(leaf, "type");
      const asked: SignalDefinition | undefined = sound.find((known) => known.type === type?.text);
      if (type !== null && asked?.gate !== undefined) {
        const others = sound.filter((known: SignalDefinition) => known.gate === undefined).map((known) => known.type);
        fault(report, type.node, `a ${signal.gate} that asks for "${type.text}"`, others.join(", "));
      } else checkCondition(root, leaf, sound, report);
    }
  }
}

/** Models maps each model that may be named to the LoRA adapters that it has; `adapters` are names that stand for a model themselves. */
interface Models {
  readonly loras: ReadonlyMap<string, readonly string[]>;
  readonly adapters: readonly string[];
  /** False when there are no model cards: then adapters are not known, and providers name the models. */
  readonly fromCards: boolean;
}

/** declaredModels is null when the declarations themselves are broken. */
function declaredModels(root: LocatedMap, report: ProblemReport): Models | null {
  if (!isSound(root, ["routing", "modelCards"], report) || !isSound(root, ["providers", "models"], report)) return null;
  const cards = itemsOf(at(root, "routing", "modelCards"));
  const loras = new Map(cards.map((card) => [textOf(at(card, "name")) ?? "", namesIn(at(card, "loras"))]));
  if (cards.length > 0) return { loras, adapters: [...loras.values()].flat(), fromCards: true };
  return { loras: new Map(namesIn(at(root, "providers", "models")).map((name) => [name, []])), adapters: [], fromCards: false };
}

function checkDefaultModel(root: LocatedMap, models: Models, report: ProblemReport): void {
  const name = named(at(root, "providers", "defaults"), "default_model");
  if (name !== null) checkModel(name, models, report);
}

function checkModelRef(ref: Located, models: Models, report: ProblemReport): void {
  const model = named(ref, "model");
  if (model === null) return;
  checkModel(model, models, report);
  const lora = named(ref, "lora_name");
  const known = models.loras.get(model.text);
  if (lora === null || known === undefined || !models.fromCards || known.includes(lora.text)) return;
  const expected = known.length === 0 ? `an adapter listed under loras of modelCard "${model.text}"` : known.join(", ");
  fault(report, lora.node, `no LoRA "${lora.text}" of model "${model.text}"`, expected, nearest(lora.text, known));
}

function checkModel({ node, text }: Name, models: Models, report: ProblemReport): void {
  const known = [...new Set([...models.loras.keys(), ...models.adapters])];
  if (known.includes(text)) return;
  const place = models.fromCards ? "routing.modelCards" : "providers.models";
  fault(report, node, `no model "${text}"`, known.length === 0 ? `a model declared in ${place}` : known.join(", "), nearest(text, known));
}

function checkProviderModels(root: LocatedMap, models: Models, report: ProblemReport): void {
  if (!models.fromCards) return;
  const cards = [...models.loras.keys()];
  for (const model of itemsOf(at(root, "providers", "models"))) {
    const name = named(model, "name");
    if (name === null || cards.includes(name.text)) continue;
    const advice = "Every model of providers.models has a card of the same name in routing.modelCards.";
    fault(report, name.node, `no model card "${name.text}"`, cards.join(", "), nearest(name.text, cards), advice);
  }
}

function checkReasoningFamilies(root: LocatedMap, report: ProblemReport): void {
  const families = at(root, "providers", "defaults", "reasoning_families");
  if (families !== undefined && families.kind !== "map") return;
  const known = [...(families?.entries.keys() ?? [])];
  for (const model of itemsOf(at(root, "providers", "models"))) {
    const family = named(model, "reasoning_family");
    if (family === null || known.includes(family.text)) continue;
    const expected = known.length === 0 ? "a family declared in providers.defaults.reasoning_families" : known.join(", ");
    fault(report, family.node, `no reasoning family "${family.text}"`, expected, nearest(family.text, known));
  }
}

/** classifierModelRefs are the rules' references to further models of the classifier pool, and the models that the file declares. */
export function classifierModelRefs(root: LocatedMap): { readonly refs: readonly Name[]; readonly known: readonly string[] } {
  const models = at(root, "turnout", "classifier", "models");
  const rules = itemsOf(at(root, "routing", "signals", pii.configKey));
  return {
    refs: rules.map((rule) => named(rule, "model")).filter((name) => name !== null),
    known: models?.kind === "map" ? [...models.entries.keys()] : [],
  };
}

/** Where the pool is a service of its own, its models are not this file's to know: inert.ts warns instead. */
function checkClassifierModels(root: LocatedMap, report: ProblemReport): void {
  const place: Path = ["turnout", "classifier"];
  const declared = [...place, "models"];
  const sound = at(root, ...declared) === undefined ? !report.coversAnyIn(place) : !report.covers(declared);
  if (at(root, ...place, "endpoint") !== undefined || !sound) return;
  const { refs, known } = classifierModelRefs(root);
  for (const { node, text } of refs) {
    if (known.includes(text)) continue;
    const expected = known.length === 0 ? "a model declared in turnout.classifier.models" : known.join(", ");
    fault(report, node, `no further model "${text}" of the classifier`, expected, nearest(text, known));
  }
}

interface Name {
  readonly node: LocatedScalar;
  readonly text: string;
}

function named(map: Located | undefined, key: string): Name | null {
  const node = at(map, key);
  return node?.kind === "scalar" && typeof node.value === "string" ? { node, text: node.value } : null;
}

function namesIn(list: Located | undefined): readonly string[] {
  return itemsOf(list)
    .map((item) => textOf(at(item, "name")))
    .filter((name) => name !== undefined);
}

function leavesOf(condition: Located | undefined): readonly Located[] {
  if (condition === undefined) return [];
  return [condition, ...itemsOf(at(condition, "conditions")).flatMap(leavesOf)];
}

function fault(
  report: ProblemReport,
  node: LocatedScalar,
  found: string,
  expected: string,
  near: string | null = null,
  advice: string | null = null,
): void {
  if (!report.covers(node.path)) report.add({ path: node.path, span: node.span, found, expected, nearest: near, advice });
}
