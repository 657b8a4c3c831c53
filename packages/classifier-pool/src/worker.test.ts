import { Worker } from "node:worker_threads";
import { describe, expect, it } from "vitest";
import type { ModelSettings } from "./messages.ts";

/** Loads the worker's entry in a thread that notes every module it asks for. */
const watcher = `
  const { registerHooks } = require("node:module");
  const { parentPort, workerData } = require("node:worker_threads");
  const urls = new Set();
  registerHooks({
    resolve(specifier, context, next) {
      const found = next(specifier, context);
      urls.add(found.url);
      return found;
    },
  });
  import(workerData.entry)
    .then(({ warmUp }) => warmUp({ preload: [] }))
    .then((reply) => parentPort.postMessage({ reply, urls: [...urls] }));
`;

describe("a worker", () => {
  it("loads no library that only the front needs, because each worker would hold its own copy", async () => {
    const settings = {
      backend: "onnx",
      modelDirectory: "/nowhere",
      tokenizerFile: "absent.json",
      heads: [],
      weightLimit: null,
    } as unknown as ModelSettings;
    const entry = new URL("./worker.ts", import.meta.url).href;
    const worker = new Worker(watcher, { eval: true, workerData: { ...settings, entry }, execArgv: ["--conditions=source"] });
    const { reply, urls } = await new Promise<{ reply: { code: string }; urls: string[] }>((resolve, reject) => {
      worker.once("message", resolve);
      worker.once("error", reject);
    });
    await worker.terminate();
    expect(reply.code).toBe("model_corrupt");
    expect(urls.some((url) => url.includes("onnxruntime-node"))).toBe(true);
    expect(urls.filter((url) => /\/(prom-client|zod|pino|undici|protobufjs)\/|opentelemetry/.test(url))).toEqual([]);
  });
});
