/**
 * A located tree is a configuration file in memory: values that remember where they were written. Every check of this folder
 * reads it, so every complaint can point at a line. It knows YAML's shapes, never what a key means.
 */

/** Path is the way from the document's root to a value, in the file's own spelling. */
export type Path = readonly (string | number)[];

/** Span is a piece of the source text, in character offsets. */
export interface Span {
  readonly start: number;
  readonly end: number;
  /** Set where a value comes from this environment variable instead; the offsets then mean nothing. */
  readonly variable?: string;
}

interface Written {
  readonly path: Path;
  /** Where the key stands; null for list items and the root. */
  readonly key: Span | null;
  readonly span: Span;
}

/** LocatedScalar is a string, number, boolean or null. `source` is the text before `${VAR}` was replaced: safe to print. */
export interface LocatedScalar extends Written {
  readonly kind: "scalar";
  value: string | number | boolean | null;
  readonly source: string;
  readonly substituted: boolean;
}

export interface LocatedList extends Written {
  readonly kind: "list";
  readonly items: readonly Located[];
}

export interface LocatedMap extends Written {
  readonly kind: "map";
  readonly entries: Map<string, Located>;
}

export type Located = LocatedScalar | LocatedList | LocatedMap;

/** at walks down a path; undefined when the file does not have it. */
export function at(root: Located | undefined, ...path: Path): Located | undefined {
  let node = root;
  for (const step of path) {
    if (node?.kind === "map" && typeof step === "string") node = node.entries.get(step);
    else if (node?.kind === "list" && typeof step === "number") node = node.items[step];
    else return undefined;
  }
  return node;
}

/** deepestAt is the last value of a path which the file does have: where a missing key is reported. */
export function deepestAt(root: Located, path: Path): Located {
  for (let length = path.length; length > 0; length--) {
    const node = at(root, ...path.slice(0, length));
    if (node !== undefined) return node;
  }
  return root;
}

/** itemsOf reads a list; anything else has no items (its shape is the schema's business). */
export function itemsOf(node: Located | undefined): readonly Located[] {
  return node?.kind === "list" ? node.items : [];
}

/** textOf reads a string scalar. */
export function textOf(node: Located | undefined): string | undefined {
  return node?.kind === "scalar" && typeof node.value === "string" ? node.value : undefined;
}

/** isEmpty is true for what asks for nothing: absent, null, `[]`, `{}`. */
export function isEmpty(node: Located | undefined): boolean {
  if (node === undefined) return true;
  if (node.kind === "scalar") return node.value === null;
  return node.kind === "list" ? node.items.length === 0 : node.entries.size === 0;
}

/** toPlain gives the tree as ordinary values; maps have no prototype, so no key of the file can reach one. */
export function toPlain(node: Located): unknown {
  if (node.kind === "scalar") return node.value;
  if (node.kind === "list") return node.items.map(toPlain);
  const plain = Object.create(null) as Record<string, unknown>;
  for (const [key, value] of node.entries) plain[key] = toPlain(value);
  return plain;
}

/** dotted writes a path for people: `routing.decisions[2].plugins[0].type`. */
export function dotted(path: Path): string {
  let text = "";
  for (const step of path) {
    if (typeof step === "number") text += `[${step}]`;
    else if (/^[\w-]+$/.test(step)) text += text === "" ? step : `.${step}`;
    else text += `[${JSON.stringify(step)}]`;
  }
  return text === "" ? "(document)" : text;
}
