import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { RouterError } from "@turnout/shared";
import type { z } from "zod";
import { warnAccepted } from "./accepted.ts";
import { normaliseAliases } from "./aliases.ts";
import { ProblemReport, SourceText } from "./config-error.ts";
import type { ConfigWarning } from "./config-warning.ts";
import { applyDetectors } from "./detectors.ts";
import { declareReferencedDomains } from "./domains.ts";
import { applyEnvironment, type AppliedSetting } from "./environment.ts";
import { warnInert } from "./inert.ts";
import { documentJsonSchema } from "./json-schema.ts";
import { warnLapses } from "./lapses.ts";
import { at, toPlain, type LocatedMap, type Path } from "./located.ts";
import { warnModelCatalog } from "./model-catalog.ts";
import { parseYaml } from "./parse.ts";
import { applyPromptGuard } from "./prompt-guard.ts";
import { checkReferences } from "./references.ts";
import { dropUnset, warnUncached, warnUnkeyed, warnUnread } from "./response-cache.ts";
import { reportIssues } from "./schema-problems.ts";
import { documentSchema, type ConfigDocument } from "./schema.ts";
import type { Environment } from "./substitution.ts";
import { refuseUnsupported } from "./unsupported.ts";

/**
 * A configuration file, from text to a frozen document: parse, environment variables, old spellings, what is not supported, schema,
 * references. Every check reports all it finds; only then is the file refused. Called at start, by the watcher, and by `config check`.
 */

/** RouterConfig is one valid configuration. It never changes. */
export interface RouterConfig {
  readonly document: ConfigDocument;
  readonly warnings: readonly ConfigWarning[];
  readonly file: string;
  /** Settings that environment variables have overridden or added. */
  readonly fromEnvironment: readonly AppliedSetting[];
  /** SHA-256 of the file's bytes, hexadecimal. */
  readonly hash: string;
}

/** loadConfig reads and parses a file. Throws ConfigError, or RouterError("config_invalid") when the file cannot be read. */
export async function loadConfig(file: string, env: Environment): Promise<RouterConfig> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new RouterError("config_invalid", `${file}: the configuration cannot be read: ${reason}`, { cause: error });
  }
  return parseConfig(text, { file, env });
}

/** parseConfig judges a text; `file` is only for messages. Throws ConfigError with every problem of the file. */
export function parseConfig(text: string, { file, env }: { readonly file: string; readonly env: Environment }): RouterConfig {
  const source = new SourceText(file, text);
  const report = new ProblemReport(source);
  const root = parseYaml(source, env, report);
  if (root === null) throw report.error();
  const schema = documentJsonSchema();

  const fromEnvironment = applyEnvironment(root, env, schema, report);
  normaliseAliases(root, report);
  dropUnset(root);
  const domainWarnings = declareReferencedDomains(root, source);
  applyPromptGuard(root);
  applyDetectors(root);
  refuseUnsupported(root, schema, report);
  const checked = validate(root, documentSchema);
  if (!checked.success) reportIssues(root, checked.error.issues, schema, report);
  checkReferences(root, report);
  if (!checked.success || report.problems.length > 0) throw report.error();

  const document = checked.data;
  const catalogWarnings = warnModelCatalog(root, document.global.model_catalog, document.turnout.classifier.model, source);
  const warnings = [
    ...domainWarnings,
    ...warnAccepted(root, source),
    ...catalogWarnings,
    ...warnInert(root, document, source),
    ...warnLapses(root, document, source),
    ...warnUncached(root, document, source),
    ...warnUnkeyed(root, document, env, source),
    ...warnUnread(root, document, source),
  ].sort((a, b) => a.line - b.line);
  return deepFreeze({ document, warnings, file, fromEnvironment, hash: hashOf(text) });
}

/** DeploymentSettings are the blocks that environment variables reach. */
export type DeploymentSettings = Pick<ConfigDocument, "turnout" | "global">;

/** deploymentSettings are those of a process without a file: defaults and environment variables. Throws ConfigError. */
export function deploymentSettings(env: Environment): DeploymentSettings {
  const report = new ProblemReport(new SourceText("environment", ""));
  const root: LocatedMap = { kind: "map", path: [], key: null, span: { start: 0, end: 0 }, entries: new Map() };
  const schema = documentJsonSchema();
  applyEnvironment(root, env, schema, report);
  const checked = validate(root, documentSchema.pick({ turnout: true, global: true }));
  if (!checked.success) reportIssues(root, checked.error.issues, schema, report);
  if (!checked.success || report.problems.length > 0) throw report.error();
  return deepFreeze(checked.data);
}

/** hashOf tells two contents of a file apart. */
export function hashOf(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/**
 * validate runs the schema. A variable is text until the schema says that a number or a switch is wanted at its place: only then
 * is it read as one, so that a numeric-looking API key stays the text it is.
 */
function validate<Output>(root: LocatedMap, schema: z.ZodType<Output>) {
  const first = schema.safeParse(toPlain(root));
  if (first.success) return first;
  let changed = false;
  for (const issue of first.error.issues) {
    if (issue.code === "invalid_type") changed = readAs(root, issue.path as Path, issue.expected) || changed;
    if (issue.code === "invalid_union") changed = readAs(root, issue.path as Path, "number") || changed;
  }
  return changed ? schema.safeParse(toPlain(root)) : first;
}

function readAs(root: LocatedMap, path: Path, expected: string): boolean {
  const node = at(root, ...path);
  if (node?.kind !== "scalar" || !node.substituted || typeof node.value !== "string") return false;
  const text = node.value.trim();
  if (expected === "boolean" && (text === "true" || text === "false")) node.value = text === "true";
  else if ((expected === "number" || expected === "int") && text !== "" && Number.isFinite(Number(text))) node.value = Number(text);
  else return false;
  return true;
}

/** deepFreeze makes a document safe to share between requests. */
function deepFreeze<T>(value: T): T {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const inner of Object.values(value)) deepFreeze(inner);
  }
  return value;
}
