/** The generated pages follow the registries: what one line adds is documented without another. */
import { describe, expect, it, vi } from "vitest";
import { documentJsonSchema, type JsonSchema } from "../../packages/extproc/src/config/json-schema.ts";
import { table } from "./markdown.ts";
import { configurationPage } from "./configuration-page.ts";
import { headersAndMetricsPage } from "./headers-and-metrics-page.ts";
import { settingsTable } from "./settings.ts";
import { signalsPage } from "./signals-page.ts";

vi.mock(import("../../packages/extproc/src/routing/signals/index.ts"), async (original) => {
  const [{ signals }, { shouting }] = await Promise.all([original(), import("../../packages/extproc/src/routing/testing/toys.ts")]);
  return { signals: [...signals, shouting] as unknown as typeof signals };
});

describe("a signal added to the registry", () => {
  it("has its section, its options and its header", () => {
    const page = signalsPage(documentJsonSchema());
    expect(page).toContain("### `shouting`");
    expect(page).toContain("| `routing.signals.shouts` | `{ type: shouting, name: … }` | `x-vsr-matched-shouts` |");
    expect(page).toContain("| `least_letters` | whole number, from 1 | `3` | Capitals needed. |");
    expect(headersAndMetricsPage()).toContain("| `x-vsr-matched-shouts` |");
  });
});

describe("configurationPage", () => {
  it("shows a condition once, although conditions hold conditions", () => {
    const page = configurationPage(documentJsonSchema());
    expect(page.match(/`routing\.decisions\[\]\.rules\.conditions/g)).toHaveLength(1);
  });
});

describe("settingsTable", () => {
  it.each<[string, JsonSchema, string]>([
    ["words", { type: "string", enum: ["a", "b"], default: "a", description: "A word." }, "| `key` | `a`, `b` | `a` | A word. |"],
    [
      "bounds",
      { type: "integer", minimum: 0, maximum: Number.MAX_SAFE_INTEGER, description: "n" },
      "| `key` | whole number, from 0 | – | n |",
    ],
    ["a union", { anyOf: [{ type: "string" }, { type: "null" }], description: "n" }, "| `key` | text or nothing | – | n |"],
    ["an empty default", { type: "string", default: "", description: "n" }, "| `key` | text | empty | n |"],
    [
      "a list of maps",
      { type: "array", items: { properties: { at: { type: "number" } } }, description: "n" },
      "| `key[].at` | number | – |",
    ],
    [
      "free names",
      { type: "object", additionalProperties: { properties: { at: {} } }, description: "n" },
      "| `key.<name>.at` | anything | – |",
    ],
  ])("prints %s", (_, key, row) => {
    const schema: JsonSchema = { properties: { key } };
    expect(settingsTable(schema, schema)).toContain(row);
  });

  it("says what is required", () => {
    const schema: JsonSchema = { properties: { key: { type: "boolean", description: "n" } }, required: ["key"] };
    expect(settingsTable(schema, schema)).toContain("| `key` | true or false | required | n |");
  });
});

describe("table", () => {
  it("keeps a pipe inside its cell", () => {
    expect(table(["a"], [["x | y"]])).toBe("| a |\n| --- |\n| x \\| y |");
  });
});
