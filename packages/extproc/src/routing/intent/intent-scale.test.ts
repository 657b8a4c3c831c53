import { RouterError } from "@turnout/shared";
import { describe, expect, it } from "vitest";
import { intentTier } from "../testing/intent-tier.ts";
import { IntentScale, type IntentTask } from "./intent-scale.ts";

const task: IntentTask = { head: "mood", labels: ["calm", "cross"], cueShare: 0.4 };
const opinions = { "all is well": { calm: 0.9, cross: 0.1 } };

function scaleOf(options = {}): IntentScale {
  const scale = IntentScale.of(intentTier([task], opinions, options), task);
  if (scale instanceof RouterError) throw scale;
  return scale;
}

describe("IntentScale", () => {
  it("averages what words and cues say", () => {
    expect([...(scaleOf().judge("all is well") ?? [])]).toEqual([expect.closeTo(0.9, 3), expect.closeTo(0.1, 3)]);
    expect([...(scaleOf().judge("something else") ?? [])]).toEqual([0.5, 0.5]);
  });

  it("judges nothing in a script that nobody knows", () => {
    expect(scaleOf({ foreign: "all" }).judge("all is well")).toBeNull();
  });

  it.each([
    ["no model", null],
    ["a model without the head", intentTier([{ ...task, head: "weather" }], {})],
    ["a head with other labels", intentTier([{ ...task, labels: ["calm", "wild"] }], {})],
  ])("gives the reason where there is %s", (_, tier) => {
    const reason = IntentScale.of(tier, task);
    expect(reason).toBeInstanceOf(RouterError);
    expect(reason).toMatchObject({ code: "model_unsupported", message: expect.stringContaining('"mood"') as string });
  });
});
