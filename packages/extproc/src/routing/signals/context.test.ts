import { expect, it } from "vitest";
import { promptRequest } from "../chat-request.ts";
import { context } from "./context.ts";
import { signalContext, signalSettings } from "../testing/signal-parts.ts";

const settings = signalSettings();

it.each([
  [1_200, 1_200],
  ["1200", 1_200],
  ["32K", 32_000],
  ["1.5k", 1_500],
  ["1M", 1_000_000],
])("reads %j as %d tokens", (written, tokens) => {
  expect(context.rule.parse({ name: "r", min_tokens: written }).min_tokens).toBe(tokens);
});

it("refuses a range that can never match, and words", () => {
  expect(context.rule.safeParse({ name: "r", min_tokens: "2K", max_tokens: 10 }).success).toBe(false);
  expect(context.rule.safeParse({ name: "r", min_tokens: "many" }).success).toBe(false);
});

it.each([
  [0, 0, true],
  [4, 1, true],
  [5, 2, true],
  [40, 10, true],
  [41, 11, false],
])("counts %d bytes as %d tokens; matches up to 10: %s", async (bytes, tokens, expected) => {
  const evaluator = context.create([context.rule.parse({ name: "short", max_tokens: 10 })], settings);
  const { matches } = await evaluator.evaluate(promptRequest("x".repeat(bytes)), signalContext());
  expect(matches).toEqual(expected ? [{ rule: "short", confidence: 1, value: tokens }] : []);
});

it("counts bytes, not characters, over all messages", async () => {
  const evaluator = context.create([context.rule.parse({ name: "exact", min_tokens: 3, max_tokens: 3 })], settings);
  const messages = [
    { role: "system", text: "éé", imageParts: 0 },
    { role: "user", text: "水水", imageParts: 0 },
  ] as const;
  expect((await evaluator.evaluate(promptRequest(messages), signalContext())).matches).toHaveLength(1);
});
