import type { Plugin } from "@turnout/shared";
import { describe, expect, it } from "vitest";
import { promptRequest } from "../chat-request.ts";
import { routingSchema } from "../schema.ts";
import { stillClock } from "../testing/fixtures.ts";
import { createPlugins, runPlugins, type RunnablePlugin, type When } from "./run.ts";

const state = { request: promptRequest("x"), decision: "d", selection: null };

function configured(...plugins: readonly object[]): readonly RunnablePlugin[] {
  return createPlugins(routingSchema.parse({ decisions: [{ name: "d", plugins }] }).decisions[0]?.plugins ?? []);
}

async function effectsOf(list: readonly RunnablePlugin[], when: When) {
  return (await runPlugins(list, when, state, stillClock, {})).flatMap(({ effects }) => effects);
}

describe("plugins", () => {
  it.each<[string, object, readonly object[]]>([
    [
      "system_prompt inserts by default",
      { type: "system_prompt", configuration: { system_prompt: "S" } },
      [{ kind: "setSystemPrompt", text: "S", mode: "insert" }],
    ],
    [
      "system_prompt replaces",
      { type: "system_prompt", configuration: { system_prompt: "S", mode: "replace" } },
      [{ kind: "setSystemPrompt", text: "S", mode: "replace" }],
    ],
    ["a disabled system_prompt does nothing", { type: "system_prompt", configuration: { enabled: false, system_prompt: "S" } }, []],
    ["an empty system_prompt does nothing", { type: "system_prompt" }, []],
    [
      "header_mutation removes, then sets, in lower case",
      {
        type: "header_mutation",
        configuration: { add: [{ name: "X-A", value: "1" }], update: [{ name: "x-b", value: "2" }], delete: ["X-C"] },
      },
      [
        { kind: "removeRequestHeader", name: "x-c" },
        { kind: "setRequestHeader", name: "x-a", value: "1" },
        { kind: "setRequestHeader", name: "x-b", value: "2" },
      ],
    ],
  ])("%s", async (_, plugin, effects) => {
    expect(await effectsOf(configured(plugin), "afterSelection")).toEqual(effects);
    expect(await effectsOf(configured(plugin), "beforeSelection")).toEqual([]);
  });

  it("fast_response answers before any selection", async () => {
    const list = configured({ type: "fast_response", configuration: { message: "No." } });
    expect(await effectsOf(list, "beforeSelection")).toEqual([{ kind: "respondWithText", text: "No." }]);
  });

  it.each([
    { name: "Content-Length", value: "1" },
    { name: "host", value: "x" },
    { name: ":path", value: "/" },
    { name: "x a", value: "1" },
    { name: "x-a", value: "1\r\nx-b: 2" },
  ])("header_mutation refuses %j", (header) => {
    expect(() => configured({ type: "header_mutation", configuration: { add: [header] } })).toThrow(/header/);
  });
});

describe("runPlugins", () => {
  const runnable = (type: string, onRequest: Plugin["onRequest"]): RunnablePlugin => ({
    type,
    when: "beforeSelection",
    plugin: { onRequest },
  });

  it("goes on past a plugin that fails, and records it", async () => {
    const runs = await runPlugins(
      [runnable("bad", () => Promise.reject(new Error("no"))), runnable("good", () => [{ kind: "removeRequestHeader", name: "x" }])],
      "beforeSelection",
      state,
      stillClock,
      {},
    );
    expect(runs.map(({ type, error, effects }) => [type, error?.code, effects.length])).toEqual([
      ["bad", "internal", 0],
      ["good", undefined, 1],
    ]);
  });

  it("stops at the one that answers", async () => {
    const runs = await runPlugins(
      [runnable("answers", () => [{ kind: "respondWithText", text: "t" }]), runnable("never run", () => [])],
      "beforeSelection",
      state,
      stillClock,
      {},
    );
    expect(runs.map(({ type }) => type)).toEqual(["answers"]);
  });

  it("rejects when the caller has left", async () => {
    const controller = new AbortController();
    const leaves = runnable("leaves", () => {
      controller.abort();
      throw new Error("interrupted");
    });
    await expect(runPlugins([leaves], "beforeSelection", state, stillClock, { signal: controller.signal })).rejects.toBe(
      controller.signal.reason,
    );
  });
});
