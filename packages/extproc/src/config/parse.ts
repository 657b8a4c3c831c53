import {
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  parseDocument,
  visit,
  type Document,
  type Node,
  type Pair,
  type YAMLError,
  type YAMLMap,
} from "yaml";
import { type ProblemReport, type SourceText } from "./config-error.ts";
import type { Located, LocatedMap, Path, Span } from "./located.ts";
import { substitute, type Environment } from "./substitution.ts";

/**
 * YAML text into a located tree, with environment variables put in. What could hurt the process is bounded here: size, depth,
 * alias expansion, keys that name object internals. Problems go to the report; load.ts calls it, and nothing else reads YAML.
 */

/** parseLimits bound what one file may cost; a Kubernetes ConfigMap holds at most 1 MiB. */
export const parseLimits = { bytes: 1024 * 1024, values: 200_000, depth: 64, substitutedCharacters: 4 * 1024 * 1024 } as const;

const forbiddenKeys: ReadonlySet<string> = new Set(["__proto__", "constructor", "prototype"]);

/** Keys of the document itself; a file with none of them beside `config:` is a Helm values file. */
const documentKeys = ["version", "listeners", "providers", "routing", "global", "turnout"] as const;

/** parseYaml gives the configuration's root map, bare or from under a Helm `config:` key; null when there is nothing to go on with. */
export function parseYaml(source: SourceText, env: Environment, report: ProblemReport): LocatedMap | null {
  const whole: Span = { start: 0, end: 0 };
  const bytes = Buffer.byteLength(source.text);
  if (bytes > parseLimits.bytes) {
    report.add({ path: [], span: whole, found: `${bytes} bytes`, expected: `at most ${parseLimits.bytes} bytes` });
    return null;
  }
  const document = parseDocument(source.text, { prettyErrors: false, uniqueKeys: false, stringKeys: true });
  const complaints = [...document.errors, ...document.warnings];
  if (complaints.length > 0) {
    reportBrokenYaml(complaints, source, report);
    return null;
  }
  const top: unknown = document.contents;
  if (!isMap(top)) {
    report.add({
      path: [],
      span: whole,
      found: top === null ? "an empty file" : "no map",
      expected: "a map with version, providers, routing, …",
    });
    return null;
  }
  const root = documentRoot(top, source, report);
  if (root === null) return null;
  const tree = new Walk(document, source, env, report).node(root, [], null);
  if (tree !== null && tree.kind !== "map") {
    report.add({ path: [], span: tree.span, found: "no map under config:", expected: "a map with version, providers, routing, …" });
    return null;
  }
  return tree;
}

/** One mistake often makes the parser complain about everything after it on the line, so each line is reported once. */
function reportBrokenYaml(complaints: readonly YAMLError[], source: SourceText, report: ProblemReport): void {
  const lines = new Set<number>();
  for (const { pos, message } of complaints) {
    const { line } = source.position(pos[0]);
    if (lines.has(line)) continue;
    lines.add(line);
    report.add({
      path: [],
      span: { start: pos[0], end: pos[1] },
      found: `broken YAML (${message.replace(/[;\n].*/s, "")})`,
      expected: "one well-formed YAML document",
      advice: source.line(line).includes("${") ? 'Inside {…} and […] a variable needs quotes: "${NAME}".' : null,
    });
  }
}

/** documentRoot finds the configuration: the file itself, or what stands under `config:` of a Helm values file. */
function documentRoot(top: YAMLMap, source: SourceText, report: ProblemReport): Node | null {
  const wrapper = top.items.find(({ key }) => isScalar(key) && key.value === "config");
  if (wrapper === undefined) return top;
  const beside = top.items.find(({ key }) => isScalar(key) && documentKeys.some((known) => known === key.value));
  if (beside === undefined) return (wrapper.value ?? top) as Node;
  const key = isScalar(beside.key) ? String(beside.key.value) : "";
  report.add({
    path: [key],
    span: spanOf(beside.key as Node, source),
    found: `"${key}" beside "config"`,
    expected: "the configuration either bare or under config:, not both",
    advice: `Move "${key}" under config:.`,
  });
  return null;
}

/** Walk turns YAML nodes into located ones. One walk per file; it stops making values once a limit is passed, and says so once. */
class Walk {
  /** Nodes by anchor, in the order of the text; an alias means the last one before it. */
  readonly #anchors = new Map<string, Node[]>();
  readonly #source: SourceText;
  readonly #env: Environment;
  readonly #report: ProblemReport;
  readonly #open = new Set<Node>();
  #values = 0;
  #substituted = 0;
  #stopped = false;

  constructor(document: Document, source: SourceText, env: Environment, report: ProblemReport) {
    visit(document, (_, node) => {
      if (!isNode(node) || isAlias(node) || node.anchor === undefined) return;
      const earlier = this.#anchors.get(node.anchor);
      if (earlier === undefined) this.#anchors.set(node.anchor, [node]);
      else earlier.push(node);
    });
    this.#source = source;
    this.#env = env;
    this.#report = report;
  }

  node(node: Node, path: Path, key: Span | null): Located | null {
    const span = spanOf(node, this.#source);
    if (isAlias(node)) {
      const target = this.#anchors.get(node.source)?.findLast(({ range }) => (range?.[0] ?? 0) < span.start);
      if (target === undefined) return this.#refuse(path, span, `alias *${node.source}`, "an anchor defined before it");
      return this.node(target, path, key);
    }
    if (this.#open.has(node)) return this.#refuse(path, span, "an anchor that contains itself", "a finite document");
    if (++this.#values > parseLimits.values)
      return this.#stop(path, span, `more than ${parseLimits.values} values`, "fewer (aliases count each time)");
    if (path.length > parseLimits.depth) return this.#refuse(path, span, `more than ${parseLimits.depth} levels`, "less nesting");
    if (isScalar(node)) return this.#scalar(node.value, path, key, span);
    this.#open.add(node);
    try {
      if (isSeq(node)) {
        const items = node.items.map((item, index) => this.node(item as Node, [...path, index], null));
        return { kind: "list", path, key, span, items: items.filter((item) => item !== null) };
      }
      const entries = new Map<string, Located>();
      if (isMap(node)) this.#entries(node, path, entries);
      return { kind: "map", path, key, span, entries };
    } finally {
      this.#open.delete(node);
    }
  }

  #scalar(value: unknown, path: Path, key: Span | null, span: Span): Located | null {
    const source = this.#source.text.slice(span.start, span.end);
    if (typeof value !== "string") {
      const known = typeof value === "number" || typeof value === "boolean" ? value : null;
      return { kind: "scalar", path, key, span, value: known, source, substituted: false };
    }
    const { text, changed, missing } = substitute(value, this.#env);
    for (const name of new Set(missing)) {
      const place = this.#find(span, `\${${name}}`);
      this.#refuse(
        path,
        place,
        `\${${name}}, which is not set`,
        "an environment variable that exists",
        `Set ${name} or write \${${name}:-default}.`,
      );
    }
    if (changed && (this.#substituted += text.length) > parseLimits.substitutedCharacters) {
      return this.#stop(
        path,
        span,
        "too much text from environment variables",
        `at most ${parseLimits.substitutedCharacters} characters in all`,
      );
    }
    return { kind: "scalar", path, key, span, value: text, source, substituted: changed };
  }

  /** A map's own keys win over merged ones (`<<`), whatever their order, as in every YAML reader. */
  #entries(map: YAMLMap, path: Path, entries: Map<string, Located>): void {
    const merges: Pair[] = [];
    for (const pair of map.items) {
      const keyNode = pair.key as Node;
      const keySpan = spanOf(keyNode, this.#source);
      const key = isScalar(keyNode) ? String(keyNode.value) : "";
      if (key === "<<") merges.push(pair);
      else if (forbiddenKeys.has(key))
        this.#refuse([...path, key], keySpan, `the key "${key}"`, "a key that does not name JavaScript's object internals");
      else if (entries.has(key)) this.#refuse([...path, key], keySpan, `"${key}" a second time`, "each key once");
      else this.#entry(pair, key, keySpan, path, entries);
    }
    for (const { value } of merges) this.#merge(value as Node | null, path, entries);
  }

  #entry(pair: Pair, key: string, keySpan: Span, path: Path, entries: Map<string, Located>): void {
    const below = [...path, key];
    const value =
      pair.value === null || pair.value === undefined
        ? ({ kind: "scalar", path: below, key: keySpan, span: keySpan, value: null, source: "", substituted: false } as const)
        : this.node(pair.value as Node, below, keySpan);
    if (value !== null) entries.set(key, value);
  }

  #merge(value: Node | null, path: Path, entries: Map<string, Located>): void {
    const sources = isSeq(value) ? (value.items as Node[]) : [value];
    for (const source of sources) {
      const merged = source === null ? null : this.node(source, path, null);
      if (merged?.kind === "map") {
        for (const [key, located] of merged.entries) if (!entries.has(key)) entries.set(key, located);
      } else if (source !== null && merged !== null) {
        this.#refuse(path, merged.span, "<< with something else than a map", "<<: *anchor of a map");
      }
    }
  }

  #refuse(path: Path, span: Span, found: string, expected: string, advice?: string): null {
    if (!this.#stopped) this.#report.add({ path, span, found, expected, advice: advice ?? null });
    return null;
  }

  #stop(path: Path, span: Span, found: string, expected: string): null {
    this.#refuse(path, span, found, expected);
    this.#stopped = true;
    return null;
  }

  #find(span: Span, text: string): Span {
    const start = this.#source.text.indexOf(text, span.start);
    return start === -1 || start >= span.end ? span : { start, end: start + text.length };
  }
}

/** spanOf leaves out what YAML counts to a node but nobody would underline: anchors' trailing space and line ends. */
function spanOf(node: Node, source: SourceText): Span {
  const [start, end] = node.range ?? [0, 0];
  return { start, end: Math.max(start, start + source.text.slice(start, end).trimEnd().length) };
}
