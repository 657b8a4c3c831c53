import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { credentials } from "@grpc/grpc-js";
import { createMetrics, silentLogger } from "@turnout/shared";
import { expect, it } from "vitest";
import { createClassifierPool } from "./pool.ts";
import { createChannels } from "./remote/channel.ts";
import { createClassifierServer } from "./server.ts";

it("says NOT_SERVING once the encoder has died for good, though it was warm before", async () => {
  const folder = await mkdtemp(join(tmpdir(), "turnout-mortal-"));
  const backend = new URL(`./backends/testing/mortal.ts?marker=${encodeURIComponent(join(folder, "marker"))}`, import.meta.url);
  const classifier = createClassifierPool({ backend, workers: 1 });
  const server = createClassifierServer({ classifier, logger: silentLogger, metrics: createMetrics() });
  const port = await server.listen("127.0.0.1", 0);
  const connect = createChannels({ credentials: credentials.createInsecure(), serverName: null, maxMessageBytes: 1 << 20 });
  const channel = connect(`127.0.0.1:${port}`);
  const words: boolean[] = [];
  const stop = new AbortController();
  void channel.watch(stop.signal, (serving) => words.push(serving));
  try {
    await expect.poll(() => words.at(-1), { timeout: 5_000 }).toBe(true);
    const dying = classifier.embed([{ text: "die", window: { maxTokens: 16, sampling: "head" } }], {});
    await expect(dying).rejects.toMatchObject({ code: "encoder_unavailable" });
    await expect.poll(() => words.at(-1), { timeout: 5_000 }).toBe(false);
    await expect.poll(() => classifier.status()).toMatchObject({ state: "unavailable", reason: expect.stringContaining("gone") as string });
    expect(words.at(-1)).toBe(false);
  } finally {
    stop.abort();
    channel.close();
    await server.drain(0);
    await classifier.close();
    await rm(folder, { recursive: true });
  }
});
