import type { z } from "zod";
import type { ProblemReport } from "./config-error.ts";
import { knownAt, type JsonSchema } from "./json-schema.ts";
import { at, deepestAt, type Located, type LocatedMap, type Path } from "./located.ts";
import { nearest } from "./nearest.ts";

/**
 * zod's issues in the words and places of the file. It judges nothing itself; what another check already reported at the same
 * place is left out.
 */
type Issue = z.core.$ZodIssue;

const kinds: Readonly<Record<string, string>> = {
  array: "a list",
  boolean: "true or false",
  int: "a whole number",
  number: "a number",
  object: "a map",
  record: "a map",
  string: "text",
};

/** reportIssues adds one problem for each thing that is wrong. */
export function reportIssues(root: LocatedMap, issues: readonly Issue[], schema: JsonSchema, report: ProblemReport): void {
  for (const issue of issues.flatMap((whole) => simplified(whole, root))) {
    const path = issue.path as Path;
    if (report.covers(path)) continue;
    if (issue.code === "unrecognized_keys") {
      for (const key of issue.keys) if (!report.covers([...path, key])) reportUnknownKey(root, path, key, schema, report);
    } else {
      reportValue(root, path, issue, schema, report);
    }
  }
}

function reportUnknownKey(root: LocatedMap, path: Path, key: string, schema: JsonSchema, report: ProblemReport): void {
  const node = at(root, ...path, key);
  const known = knownAt(schema, root, path).keys;
  report.add({
    path: [...path, key],
    span: node?.key ?? deepestAt(root, path).span,
    found: `the unknown key "${key}"`,
    expected: known.length === 0 ? "no keys" : known.join(", "),
    nearest: nearest(key, known),
  });
}

function reportValue(root: LocatedMap, path: Path, issue: Issue, schema: JsonSchema, report: ProblemReport): void {
  const node = at(root, ...path);
  const words =
    issue.code === "invalid_value" ? issue.values.map(String) : issue.code === "invalid_union" ? knownAt(schema, root, path).values : [];
  const written = node?.kind === "scalar" && typeof node.value === "string" ? node.value : null;
  const place = node ?? deepestAt(root, path);
  const custom = issue.code === "custom" && !issue.message.startsWith("expected ");
  report.add({
    kind: issue.code === "custom" && issue.params?.["unsupported"] !== undefined ? "unsupported" : "invalid",
    path,
    span: node === undefined ? (place.key ?? { ...place.span, end: place.span.start }) : node.span,
    found: describe(node),
    expected: custom ? null : expectation(issue, words),
    nearest: written === null ? null : nearest(written, words),
    advice: custom ? sentence(issue.message) : advice(issue, node),
  });
}

/** expectation says in a few words what would be right. */
function expectation(issue: Issue, words: readonly string[]): string {
  switch (issue.code) {
    case "invalid_type":
      return kinds[issue.expected] ?? issue.expected;
    case "invalid_value":
      return words.join(", ");
    case "too_small":
      return `at least ${issue.minimum}${amountOf(issue.origin)}`;
    case "too_big":
      return `at most ${issue.maximum}${amountOf(issue.origin)}`;
    case "invalid_union":
      return [...words, ...kindsIn(issue)].join(", ") || issue.message;
    default:
      return issue.message.replace(/^expected /, "");
  }
}

/** kindsIn a union: what its branches would take beside words. */
function kindsIn({ errors }: Extract<Issue, { code: "invalid_union" }>): readonly string[] {
  const expected = errors.flat().flatMap((error) => (error.code === "invalid_type" && error.path.length === 0 ? [error.expected] : []));
  return [...new Set(expected.map((kind) => kinds[kind] ?? kind))];
}

function sentence(message: string): string {
  return message.charAt(0).toUpperCase() + message.slice(1);
}

function amountOf(origin: string): string {
  if (origin === "string") return " character(s)";
  return origin === "array" ? " item(s)" : "";
}

function advice(issue: Issue, node: Located | undefined): string | null {
  if (issue.code !== "invalid_type" || node?.kind !== "scalar" || typeof node.value !== "string") return null;
  if (issue.expected === "boolean" && /^(yes|no|on|off)$/i.test(node.value)) return "YAML 1.2 reads yes, no, on and off as text.";
  const unquoted = issue.expected === "number" || issue.expected === "int" || issue.expected === "boolean";
  return unquoted && /^["']/.test(node.source) ? "Take the quotes away." : null;
}

/** describe says what stands in the file; a substituted value is shown as it was written, because it may be a secret. */
function describe(node: Located | undefined): string {
  if (node === undefined) return "nothing";
  if (node.kind !== "scalar") return node.kind === "list" ? "a list" : "a map";
  if (node.value === null) return "an empty value";
  if (node.substituted) return `the value of ${node.source}`;
  const text = JSON.stringify(node.value);
  return text.length <= 60 ? text : `${text.slice(0, 57)}…"`;
}

/**
 * simplified replaces a union's issue by those of the branch that was most likely meant: the one whose complaints lie deepest or,
 * at the same depth, are fewest; a union that failed on the value itself stays one issue.
 */
function simplified(issue: Issue, root: LocatedMap): readonly Issue[] {
  if (issue.code !== "invalid_union" || issue.errors.length === 0) return [issue];
  const branches = issue.errors.map((errors) => errors.map((error): Issue => ({ ...error, path: [...issue.path, ...error.path] })));
  const node = at(root, ...(issue.path as Path));
  if (node === undefined || node.kind === "scalar") return [issue];
  const ranked = branches
    .map((issues) => ({ issues, wrongKeys: issues.filter(({ code }) => code === "unrecognized_keys").length, count: issues.length }))
    .sort((a, b) => a.wrongKeys - b.wrongKeys || a.count - b.count);
  return (ranked[0]?.issues ?? [issue]).flatMap((inner) => simplified(inner, root));
}
