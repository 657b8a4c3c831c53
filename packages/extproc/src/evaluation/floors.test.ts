/**
 * The floors of the model that comes with Turnout: on development data it is as good as models/embedded/figures.json says, less what
 * chance explains. Features, tables, signal and figures cannot drift apart unnoticed.
 */
import { readFile } from "node:fs/promises";
import { createEmbeddedTier, defaultEmbeddedModel } from "@turnout/classifier-pool/embedded";
import { RouterError } from "@turnout/shared";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { routingSchema } from "../routing/index.ts";
import { signalSettings } from "../routing/testing/signal-parts.ts";
import { wilson } from "./metrics.ts";
import { tasks, type TaskName } from "./tasks.ts";

const data = new URL("../../../../models/training/data/", import.meta.url);
const settings = signalSettings({ embedded: createEmbeddedTier() });

/** measure judges a development set by the trained models alone. */
async function measure(task: TaskName, file: string): Promise<Readonly<Record<string, unknown>>> {
  const { figures } = await tasks[task]({
    file: new URL(file, data).pathname,
    signals: routingSchema.parse({}).signals,
    settings,
    tier: "embedded",
    encoder: () => Promise.reject(new RouterError("internal", "the embedded tier is measured without an encoder")),
    progress: () => undefined,
  });
  return figures;
}

describe("the embedded model", () => {
  it.each([
    ["exam", "domain.dev.jsonl"],
    ["chat", "chat_domain.dev.jsonl"],
    ["chat-L", "chat/L.dev.jsonl"],
  ])("finds domains in the set %s as often as its figures say", async (set, file) => {
    const published = z
      .record(z.string(), z.looseObject({ n: z.number(), embedded: z.number() }).optional())
      .parse(JSON.parse(await readFile(`${defaultEmbeddedModel}/figures.json`, "utf8")))[set];
    const { n, accuracy, ece } = await measure("domain", file);
    expect(n).toBe(published?.n);
    const [floor] = wilson(((published?.embedded ?? 100) / 100) * (n as number), n as number);
    expect(accuracy).toBeGreaterThanOrEqual(floor);
    expect(ece).toBeLessThan(0.06);
  });
});
