import { z } from "zod";
import { at, textOf, type Located, type Path } from "./located.ts";
import { documentSchema } from "./schema.ts";

/**
 * The configuration as JSON Schema: for editors (`turnout config schema`), and as the source of "known here" lists in errors.
 * Draft 7, because that is what YAML language servers read.
 */

/** JsonSchema is the part of JSON Schema that zod emits and we read. */
export interface JsonSchema {
  readonly [keyword: string]: unknown;
  readonly $ref?: string;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly additionalProperties?: boolean | JsonSchema;
  readonly items?: JsonSchema | readonly JsonSchema[];
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly allOf?: readonly JsonSchema[];
  readonly definitions?: Readonly<Record<string, JsonSchema>>;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
}

/** documentJsonSchema describes a bare document. */
export function documentJsonSchema(): JsonSchema {
  return z.toJSONSchema(documentSchema, { io: "input", target: "draft-7", unrepresentable: "any" }) as JsonSchema;
}

const variable = { type: "string", pattern: String.raw`\$\{[A-Za-z_][A-Za-z0-9_]*(:-[^}]*)?\}` } as const;

/**
 * editorJsonSchema describes what a file may contain: the document bare or under a Helm `config:` key, and `${VAR}` wherever
 * something else than any text is expected.
 */
export function editorJsonSchema(): JsonSchema {
  const generated = z.toJSONSchema(documentSchema, {
    io: "input",
    target: "draft-7",
    unrepresentable: "any",
    override({ jsonSchema }) {
      // zod names its own formats ("starts_with") beside the pattern that says the same.
      if (jsonSchema.pattern !== undefined) delete jsonSchema.format;
      const { type, description, default: fallback, ...rules } = jsonSchema;
      const anyText = type === "string" && rules.enum === undefined && rules.pattern === undefined;
      if (type === undefined || type === "object" || type === "array" || anyText || rules.const !== undefined) return;
      for (const keyword of Object.keys(jsonSchema)) delete jsonSchema[keyword];
      if (description !== undefined) jsonSchema.description = description;
      if (fallback !== undefined) jsonSchema.default = fallback;
      jsonSchema.anyOf = [{ type, ...rules }, variable];
    },
  }) as JsonSchema;
  const { $schema, definitions, ...document } = generated;
  return {
    $schema,
    title: "Turnout configuration (vLLM Semantic Router v0.3)",
    if: { required: ["config"] },
    // oxlint-disable-next-line unicorn/no-thenable -- JSON Schema's keyword, on data that nobody awaits.
    then: { type: "object", properties: { config: { $ref: "#/definitions/document" } } },
    else: { $ref: "#/definitions/document" },
    definitions: { ...definitions, document },
  };
}

/** Known is what a schema says of one place: the keys a map may have there, and the words a scalar may be. */
export interface Known {
  readonly keys: readonly string[];
  readonly values: readonly string[];
}

/** knownAt reads the schema at a path of a file. Where branches are told apart by `type`, only those of the type that the file names count. */
export function knownAt(schema: JsonSchema, root: Located, path: Path): Known {
  let places = expand(schema, [schema]);
  let node: Located | undefined = root;
  for (const step of path) {
    const type = step === "type" ? undefined : textOf(at(node, "type"));
    const meant = places.filter(
      ({ properties }) => type === undefined || properties?.["type"]?.const === undefined || properties["type"].const === type,
    );
    places = expand(
      schema,
      meant.flatMap((place) => below(place, step)),
    );
    node = at(node, step);
  }
  const keys = new Set(places.flatMap(({ properties }) => Object.keys(properties ?? {})));
  const values = new Set(
    places.flatMap((place) => [...(place.enum ?? []), ...(place.const === undefined ? [] : [place.const])].map(String)),
  );
  return { keys: [...keys], values: [...values] };
}

function below(place: JsonSchema, step: string | number): readonly JsonSchema[] {
  if (typeof step === "number") return place.items === undefined ? [] : [place.items].flat();
  const named = Object.hasOwn(place.properties ?? {}, step) ? place.properties?.[step] : place.additionalProperties;
  return typeof named === "object" ? [named] : [];
}

/** expand follows references and unions; a schema met twice is not followed again, so recursion ends. */
export function expand(root: JsonSchema, start: readonly JsonSchema[]): readonly JsonSchema[] {
  const met = new Set<JsonSchema>();
  const queue = [...start];
  for (let place = queue.pop(); place !== undefined; place = queue.pop()) {
    if (met.has(place)) continue;
    met.add(place);
    queue.push(...(place.anyOf ?? []), ...(place.oneOf ?? []), ...(place.allOf ?? []));
    if (place.$ref === "#") queue.push(root);
    const name = /^#\/definitions\/(.+)$/.exec(place.$ref ?? "")?.[1];
    const target = name === undefined ? undefined : root.definitions?.[name];
    if (target !== undefined) queue.push(target);
  }
  return [...met];
}
