/**
 * The configuration's JSON Schema as rows of a table: one setting per row, with its path, what may stand there, its default and its
 * description. It knows nothing of what the settings mean.
 */
import type { JsonSchema } from "../../packages/extproc/src/config/json-schema.ts";
import { code, codes, table } from "./markdown.ts";

/** SettingsOptions: the path of the place, and the settings whose inner settings are described on another page. */
export interface SettingsOptions {
  readonly prefix?: string;
  readonly elsewhere?: readonly string[];
}

/** settingsTable prints the settings below a place of the schema `root`. */
export function settingsTable(root: JsonSchema, place: JsonSchema, { prefix = "", elsewhere = [] }: SettingsOptions = {}): string {
  const rows: string[][] = [];
  walk(place, prefix, []);
  const columns = rows.every((row) => row[3] === "") ? 3 : 4;
  return table(
    ["setting", "type", "default", "meaning"].slice(0, columns),
    rows.map((row) => row.slice(0, columns)),
  );

  /** `above` holds the maps that the walk is inside of: a condition that holds conditions is described once. */
  function walk(map: JsonSchema, path: string, above: readonly unknown[]): void {
    if (above.includes(map.properties)) return;
    const required: readonly unknown[] = Array.isArray(map["required"]) ? map["required"] : [];
    for (const [key, written] of Object.entries(map.properties ?? {})) {
      const setting = resolved(root, written);
      const its = path === "" ? key : `${path}.${key}`;
      const description = String(setting["description"] ?? "");
      // A map that only groups others says nothing of its own.
      if (setting.properties === undefined || description !== "") {
        rows.push([code(its), typeOf(root, setting), required.includes(key) ? "required" : fallbackOf(setting), description]);
      }
      if (elsewhere.includes(its)) continue;
      const within = [...above, map.properties];
      if (setting.properties !== undefined) walk(setting, its, within);
      else if (isSchema(setting.items)) walk(resolved(root, setting.items), `${its}[]`, within);
      else if (isSchema(setting.additionalProperties)) walk(resolved(root, setting.additionalProperties), `${its}.<name>`, within);
    }
  }
}

/** schemaAt finds the schema of a setting, following references: `["routing", "signals"]`. */
export function schemaAt(root: JsonSchema, path: readonly string[]): JsonSchema {
  return path.reduce((place, key) => {
    const next = resolved(root, place).properties?.[key];
    if (next === undefined) throw new TypeError(`the configuration has no ${path.join(".")}. This is a bug.`);
    return resolved(root, next);
  }, root);
}

/** itemsOf a list; of a list whose items are told apart by `type`, one schema for each type. */
export function itemsOf(list: JsonSchema): readonly JsonSchema[] {
  if (!isSchema(list.items)) return [];
  return list.items.oneOf ?? list.items.anyOf ?? [list.items];
}

function isSchema(value: unknown): value is JsonSchema {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** resolved follows a reference; a description beside it wins over the target's own. */
function resolved(root: JsonSchema, schema: JsonSchema): JsonSchema {
  const reference = schema.$ref ?? schema.allOf?.[0]?.$ref;
  const target = root.definitions?.[reference?.replace("#/definitions/", "") ?? ""];
  if (target === undefined) return schema;
  return schema["description"] === undefined ? target : { ...target, description: schema["description"] };
}

function fallbackOf({ default: fallback, properties }: JsonSchema): string {
  if (fallback === undefined || properties !== undefined) return "–";
  return fallback === "" ? "empty" : code(typeof fallback === "string" ? fallback : JSON.stringify(fallback));
}

const WORDS: Readonly<Record<string, string>> = {
  boolean: "true or false",
  integer: "whole number",
  null: "nothing",
  number: "number",
  object: "map",
  string: "text",
};

function typeOf(root: JsonSchema, setting: JsonSchema): string {
  if (setting.enum !== undefined) return codes(setting.enum.map(String));
  if (setting.const !== undefined) return code(String(setting.const));
  const branches = setting.anyOf ?? setting.oneOf;
  if (branches !== undefined) return [...new Set(branches.map((branch) => typeOf(root, resolved(root, branch))))].join(" or ");
  if (isSchema(setting.items)) return `list: ${typeOf(root, resolved(root, setting.items))}`;
  return `${WORDS[String(setting["type"])] ?? "anything"}${boundsOf(setting)}`;
}

/** boundsOf leaves out the bounds that only say "a safe integer". */
function boundsOf({ minimum, maximum }: JsonSchema): string {
  const meant = (bound: unknown) => (typeof bound === "number" && Math.abs(bound) < Number.MAX_SAFE_INTEGER ? bound : null);
  const [least, most] = [meant(minimum), meant(maximum)];
  if (least !== null) return most === null ? `, from ${least}` : `, ${least} to ${most}`;
  return most === null ? "" : `, up to ${most}`;
}
