import { expect, it } from "vitest";
import { promptRequest } from "../chat-request.ts";
import { language } from "./language.ts";
import { signalContext, signalSettings } from "../testing/signal-parts.ts";

const evaluator = language.create(
  ["en", "de", "fr", "zh", "ja", "ru"].map((name) => language.rule.parse({ name })),
  signalSettings(),
);

it.each([
  ["Please tell me which plants like the shade of a wall.", "en"],
  ["Welche Pflanzen mögen den Schatten einer Mauer?", "de"],
  ["Quelles plantes aiment l'ombre d'un mur ?", "fr"],
  ["哪些植物喜欢墙边的阴凉处？", "zh"],
  ["壁の日陰を好む植物はどれですか。", "ja"],
  ["Какие растения любят тень от стены?", "ru"],
])("%j is %s", async (text, expected) => {
  const { matches } = await evaluator.evaluate(promptRequest(text), signalContext());
  expect(matches.map(({ rule }) => rule)).toEqual([expected]);
  expect(matches[0]?.confidence).toBeGreaterThan(0.3);
});

it.each(["", "2+2", "ok"])("takes %j for English with confidence 0.5, because it cannot tell", async (text) => {
  const { matches } = await evaluator.evaluate(promptRequest(text), signalContext());
  expect(matches).toMatchObject([{ rule: "en", confidence: 0.5 }]);
});

it("refuses a rule whose name is no language code", () => {
  expect(language.rule.safeParse({ name: "english" }).success).toBe(false);
});
