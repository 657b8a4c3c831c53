import type { Environment } from "./substitution.ts";
import type { ProblemReport } from "./config-error.ts";
import { expand, type JsonSchema } from "./json-schema.ts";
import type { Located, LocatedMap, LocatedScalar, Path } from "./located.ts";
import { nearest } from "./nearest.ts";

/**
 * Settings from environment variables: what a deployment decides without writing a file. `TURNOUT__CLASSIFIER__WORKERS` is
 * `turnout.classifier.workers`, `TURNOUT__GLOBAL__SERVICES__MANAGEMENT_API__PORT` is `global.services.management_api.port`: the path in
 * capitals, `__` for each dot. The names follow from the schema, and so do their types; a variable wins over the file. What is policy
 * (`routing`, `providers`) is the file's alone. Values are put into the located tree before anything judges it, so that the schema
 * checks both alike; they are never printed, because they may be secrets.
 */

/** EnvironmentSetting is one variable that is known. */
export interface EnvironmentSetting {
  readonly variable: string;
  readonly path: readonly string[];
  /** Its value is a list of words, separated by commas. */
  readonly list: boolean;
}

/** AppliedSetting is a variable that is set. */
export type AppliedSetting = Pick<EnvironmentSetting, "variable" | "path">;

const PREFIX = "TURNOUT__";
const SCALARS: ReadonlySet<unknown> = new Set(["string", "number", "integer", "boolean"]);

/** environmentSettings lists every setting of `turnout` and `global` that is a scalar or a list of scalars. */
export function environmentSettings(schema: JsonSchema): readonly EnvironmentSetting[] {
  const settings: EnvironmentSetting[] = [];
  for (const block of ["turnout", "global"]) walk(schema.properties?.[block] ?? {}, [block]);
  return settings;

  function walk(place: JsonSchema, path: readonly string[]): void {
    for (const branch of expand(schema, [place])) {
      for (const [key, below] of Object.entries(branch.properties ?? {})) walk(below, [...path, key]);
    }
    const list = isListOfScalars(schema, place);
    if (list || isScalar(schema, place)) settings.push({ variable: variableOf(path), path, list });
  }
}

/** applyEnvironment puts the variables' values into the tree, and reports those that are no setting. An empty variable is as good as none. */
export function applyEnvironment(root: LocatedMap, env: Environment, schema: JsonSchema, report: ProblemReport): readonly AppliedSetting[] {
  const variables = Object.keys(env).filter((name) => name.startsWith(PREFIX) && env[name] !== "" && env[name] !== undefined);
  if (variables.length === 0) return [];
  const known = new Map(environmentSettings(schema).map((setting) => [setting.variable, setting]));
  const applied: AppliedSetting[] = [];
  for (const variable of variables.sort()) {
    const setting = known.get(variable);
    if (setting === undefined) reportUnknown(variable, known.keys(), report);
    else if (put(root, setting, env[variable] ?? "")) applied.push({ variable, path: setting.path });
  }
  return applied;
}

function variableOf([block, ...keys]: readonly string[]): string {
  return PREFIX + [...(block === "turnout" ? [] : [block]), ...keys].join("__").toUpperCase();
}

function isScalar(schema: JsonSchema, place: JsonSchema): boolean {
  return expand(schema, [place]).some(
    ({ type, enum: words, const: word }) => SCALARS.has(type) || words !== undefined || word !== undefined,
  );
}

function isListOfScalars(schema: JsonSchema, place: JsonSchema): boolean {
  return expand(schema, [place]).some(
    ({ type, items }) => type === "array" && items !== undefined && isScalar(schema, items as JsonSchema),
  );
}

function reportUnknown(variable: string, known: Iterable<string>, report: ProblemReport): void {
  report.add({
    path: [],
    // No other complaint is about this place.
    scope: [variable],
    span: { start: 0, end: 0, variable },
    found: "a name that is no setting",
    expected: `${PREFIX} and a setting of turnout (${PREFIX}GLOBAL__ for one of global)`,
    nearest: nearest(variable, known),
    advice: "docs/configuration.md lists all.",
  });
}

/** put is false where the file has something else than a map on the way: then the file is refused for that. */
function put(root: LocatedMap, { variable, path, list }: EnvironmentSetting, text: string): boolean {
  const span = { start: 0, end: 0, variable };
  const written = (path: Path) => ({ path, key: null, span }) as const;
  const scalar = (value: string, path: Path): LocatedScalar => ({
    kind: "scalar",
    ...written(path),
    value,
    source: variable,
    substituted: true,
  });
  let map = root;
  for (const [index, key] of path.slice(0, -1).entries()) {
    const found = map.entries.get(key);
    if (found?.kind === "map") {
      map = found;
    } else {
      if (found !== undefined && !(found.kind === "scalar" && found.value === null)) return false;
      const made: LocatedMap = { kind: "map", ...written(path.slice(0, index + 1)), entries: new Map() };
      map.entries.set(key, made);
      map = made;
    }
  }
  const words = text.split(",").map((word) => word.trim());
  const node: Located = list
    ? { kind: "list", ...written(path), items: words.map((word, index) => scalar(word, [...path, index])) }
    : scalar(text, path);
  map.entries.set(path.at(-1) ?? "", node);
  return true;
}
