import { afterEach, expect, it } from "vitest";
import type { Batch, ModelSettings } from "./messages.ts";
import { noGraph } from "./model/graph-settings.ts";
import { EncoderThreads } from "./threads.ts";

const open: EncoderThreads[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((threads) => threads.close()));
});

const settings = (key: string, module: string): ModelSettings => ({
  key,
  backend: new URL(`backends/testing/${module}`, import.meta.url).href,
  modelDirectory: "",
  graph: noGraph,
  tokenizerFile: "",
  dimension: 8,
  maxTokens: 64,
  heads: [],
  classification: null,
  tokenLabels: null,
  weightLimit: null,
});

async function start(workers: number, preload: readonly ModelSettings[] = []) {
  const failures: string[] = [];
  const threads = new EncoderThreads({
    settings: settings("encoder", "faulty.ts"),
    preload,
    workers,
    stuckAfterMs: 500,
    resourceLimits: {},
    onWarm: () => undefined,
    onLost: () => undefined,
    onLoadFailed: (key) => void failures.push(key),
    onDead: expect.unreachable,
  });
  open.push(threads);
  await threads.started;
  return { threads, failures };
}

const batch = (model: ModelSettings, text: string): Batch => ({
  model,
  jobs: [{ parts: [text], window: { maxTokens: 16, sampling: "head" }, heads: [] }],
});

it("gives a batch no time for loading its model once a worker has loaded it", async () => {
  const { threads } = await start(2);
  const further = settings("further", "faulty.ts");
  expect(await threads.run(batch(further, "fine"))).toMatchObject({ ok: true });
  expect(threads.loaded("further")).toBe(1);
  await expect(threads.run(batch(further, "stall"))).rejects.toMatchObject({ code: "worker_failed" });
});

it("tells once why no worker has a further model", async () => {
  const broken = settings("broken", "broken.ts");
  const { threads, failures } = await start(2, [broken]);
  for (let attempt = 0; attempt < 2; attempt += 1)
    expect(await threads.run(batch(broken, "text"))).toMatchObject({ ok: false, unloaded: true, code: "model_corrupt" });
  expect(failures).toEqual(["broken"]);
  expect(threads.loadFailure("broken")).toBe("this encoder never loads");
  expect(threads.loadFailure("unheard-of")).toBeNull();
});

it("does not take a batch that failed for a model that cannot be loaded", async () => {
  const { threads, failures } = await start(1);
  const further = settings("further", "faulty.ts");
  expect(await threads.run(batch(further, "failing"))).toMatchObject({ ok: false, unloaded: false, message: "the run failed" });
  expect([threads.loadFailure("further"), failures]).toEqual([null, []]);
});
