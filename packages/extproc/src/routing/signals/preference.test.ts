import type { InferenceItem, SignalEvaluation } from "@turnout/shared";
import { describe, expect, it } from "vitest";
import { request } from "../testing/fixtures.ts";
import { signalContext, signalSettings } from "../testing/signal-parts.ts";
import { WordEmbedder } from "../testing/word-embedder.ts";
import { preference } from "./preference.ts";

const rules = [
  { name: "terse", description: "short answers", examples: ["keep it concise", "answer briefly"] },
  { name: "table", examples: ["put it into a table", "rows and columns"] },
];

async function warm(list: readonly object[] = rules) {
  const embedder = new WordEmbedder();
  const evaluator = preference.create(
    list.map((rule) => preference.rule.parse(rule)),
    signalSettings(),
  );
  await evaluator.warm?.(embedder, {});
  const asked: string[] = [];
  const embed = async (text: string, window: InferenceItem["window"]) => {
    asked.push(text);
    const [embedding] = await embedder.embed([{ text, window }], {});
    if (embedding === undefined) throw new Error("no vector");
    return embedding;
  };
  const context = signalContext({ embed, infer: () => Promise.reject(new Error("not asked")) });
  return { asked, evaluate: async (text: string): Promise<SignalEvaluation> => evaluator.evaluate(request(text), context) };
}

const matchesOf = ({ matches }: SignalEvaluation) => matches.map(({ rule }) => rule);

describe("preferences", () => {
  it.each<[string, string[]]>([
    ["Keep it concise.", ["terse"]],
    ["How do tides come about? Please keep it concise and briefly.", ["terse"]],
    ["Compare three bicycles. Rows and columns, table.", ["table"]],
    ["Which river runs through Vienna?", []],
    ["", []],
  ])("finds in %j: %j", async (text, expected) => {
    expect(matchesOf(await (await warm()).evaluate(text))).toEqual(expected);
  });

  it("is one of them, though a message states two", async () => {
    const { matches, scores = [] } = await (await warm()).evaluate("Keep it concise. Rows and columns.");
    expect(matches).toHaveLength(1);
    expect(scores.map(({ rule }) => rule)).toEqual(["terse", "table"]);
  });

  it("is as sure as the rule's threshold is exceeded, and gives the score", async () => {
    const { evaluate } = await warm();
    const [whole, half] = [await evaluate("keep concise"), await evaluate("keep something concise elsewhere")];
    expect(whole.matches[0]?.confidence).toBeGreaterThan(half.matches[0]?.confidence ?? 1);
    expect(half.matches[0]?.confidence).toBeGreaterThanOrEqual(0.5);
    expect(whole.matches[0]?.value).toBe(whole.scores?.[0]?.score);
  });

  it.each<[number, string[]]>([
    [0.99, []],
    [0.3, ["terse"]],
  ])("matches from the rule's own threshold: %f", async (threshold, expected) => {
    const { evaluate } = await warm([{ ...rules[0], threshold }]);
    expect(matchesOf(await evaluate("concise answers, keep them short and brief"))).toEqual(expected);
  });

  it("is the one that exceeds its own threshold by most", async () => {
    const one = { name: "one", examples: ["concise"], threshold: 0.9 };
    const two = { name: "two", examples: ["concise wording"], threshold: 0.1 };
    expect(matchesOf(await (await warm([one, two])).evaluate("concise"))).toEqual(["two"]);
  });

  it("asks for few parts of a long message, all before its first await", async () => {
    const { asked, evaluate } = await warm();
    const pending = evaluate("There is much to tell, and more to ask; who knows where it ends. ".repeat(200));
    expect(asked.length).toBeGreaterThan(1);
    const before = asked.length;
    await pending;
    expect(asked.length).toBe(before);
    expect(before).toBeLessThanOrEqual(9);
  });

  it("fails by name before an encoder has been ready", async () => {
    const cold = preference.create([preference.rule.parse(rules[0])], signalSettings());
    await expect(async () => cold.evaluate(request("keep it concise"), signalContext())).rejects.toMatchObject({
      code: "encoder_unavailable",
    });
  });

  it.each<[string, object, PropertyKey[]]>([
    ["nothing to compare with", { name: "a" }, ["examples"]],
    ["a threshold that no cosine reaches", { name: "a", description: "x", threshold: 1.5 }, ["threshold"]],
    ["an unknown key", { name: "a", description: "x", exmples: [] }, []],
  ])("refuses %s", (_, rule, path) => {
    expect(preference.rule.safeParse(rule).error?.issues[0]?.path).toEqual(path);
  });
});
