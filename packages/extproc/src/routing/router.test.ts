import { describe, expect, it } from "vitest";
import { promptRequest } from "./chat-request.ts";
import { createFixture, routing } from "./testing/fixtures.ts";

const route = async (prompt: Parameters<typeof promptRequest>[0], fixture = createFixture()) =>
  (await fixture).snapshot.router.route(promptRequest(prompt), {});

describe("createRouter", () => {
  it.each([
    ["when is pruning of roses due", "roses", "roses-expert"],
    ["is compost good for the acidity of soil", "soil", "soil-expert"],
    ["hurry, pruning roses", "hurry", "base"],
    ["knock knock", undefined, "base"],
  ])("%j: decision %s, model %s", async (prompt, decision, model) => {
    const result = await route(prompt);
    expect([result.decision?.name, result.target.name]).toEqual([decision, model]);
  });

  it("traces signals, decisions with their conditions, selection, plugins", async () => {
    const { trace, selection, effects, decision } = await route("pruning roses");
    expect(trace.signals.map(({ type, matches }) => [type, matches.map(({ rule }) => rule)])).toEqual([
      ["keyword", []],
      ["domain", ["roses"]],
    ]);
    expect(trace.decisions.map(({ name, matched }) => [name, matched])).toEqual([
      ["roses", true],
      ["soil", false],
      ["hurry", false],
      ["greeting", false],
    ]);
    expect(decision?.verdict.parts[0]).toMatchObject({ label: "domain:roses", matched: true });
    expect(selection).toMatchObject({ algorithm: "static", why: "the only candidate" });
    expect(trace.plugins).toMatchObject([{ type: "system_prompt", error: null }]);
    expect(effects).toEqual([{ kind: "setSystemPrompt", text: "You know roses.", mode: "replace" }]);
  });

  it("selects no model when a plugin answers", async () => {
    const { selection, effects } = await route("Hello!");
    expect(selection).toBeNull();
    expect(effects).toMatchObject([{ kind: "respondWithText" }]);
  });

  it("takes the first of several candidates", async () => {
    const decisions = [{ name: "all", modelRefs: [{ model: "base", lora_name: "soil-expert" }, { model: "base" }] }];
    const result = await route("anything", createFixture({ routing: { ...routing, decisions } }));
    expect([result.target.name, result.selection?.why]).toEqual(["soil-expert", "first candidate"]);
  });

  it("takes the default model for a request without messages, whatever its conditions say", async () => {
    const decisions = [{ name: "all", modelRefs: [{ model: "base", lora_name: "soil-expert" }] }];
    const result = await route([], createFixture({ routing: { ...routing, decisions } }));
    expect([result.decision, result.target.name]).toEqual([null, "base"]);
  });

  it("routes on what is known without an encoder, and says so", async () => {
    const fixture = createFixture({ cold: true });
    const degraded = await route("pruning roses", fixture);
    expect([degraded.decision, degraded.target.name, degraded.warnings]).toEqual([null, "base", ["classifier_unavailable"]]);
    expect((await route("hurry up", fixture)).decision?.name).toBe("hurry");
  });

  it.each([
    ["overloaded", "classifier_overloaded"],
    ["worker_failed", "classifier_unavailable"],
  ] as const)("warns when the encoder is %s", async (code, warning) => {
    const fixture = await createFixture();
    fixture.embedder.failWith(code);
    expect((await route("pruning roses", Promise.resolve(fixture))).warnings).toEqual([warning]);
  });

  it("warns when it read a sample only", async () => {
    expect((await route("roses ".repeat(300))).warnings).toEqual(["text_sampled"]);
  });

  it("asks the encoder once for all signals of a request", async () => {
    const fixture = await createFixture();
    await fixture.snapshot.router.route(promptRequest("pruning roses"), {});
    expect(fixture.embedder.submissions).toHaveLength(1);
  });
});
