/**
 * The floors of what comes with Turnout: on development data the embedded model is as good as models/embedded/figures.json says, less
 * what chance explains, and the safety signals as good as was measured. Features, tables, signals and figures cannot drift apart unnoticed.
 */
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
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

/** measure judges a development set without the encoder. */
async function measure(task: TaskName, file: string, types?: readonly string[]): Promise<Readonly<Record<string, unknown>>> {
  const { figures } = await tasks[task]({
    file: fileURLToPath(new URL(file, data)),
    signals: routingSchema.parse({}).signals,
    settings,
    tier: "embedded",
    encoder: () => Promise.reject(new RouterError("internal", "the embedded tier is measured without an encoder")),
    ...(types === undefined ? {} : { types }),
    similarityThreshold: 0.7,
    progress: () => undefined,
  });
  return figures;
}

/** published is what the training measured, of a set: texts, and right answers in %. */
async function published(set: string): Promise<{ readonly n: number; readonly embedded: number }> {
  const figures = JSON.parse(await readFile(`${defaultEmbeddedModel}/figures.json`, "utf8")) as Record<string, unknown>;
  return z.object({ n: z.int(), embedded: z.number() }).parse(figures[set]);
}

describe("the embedded tier, on development data", () => {
  it.each([
    ["exam", "domain.dev.jsonl"],
    ["chat", "chat_domain.dev.jsonl"],
    ["chat-L", "chat/L.dev.jsonl"],
  ])("finds domains in the set %s as often as the model's figures say, and knows how sure it is", async (set, file) => {
    const { n, embedded } = await published(set);
    const [floor] = wilson((embedded / 100) * n, n);
    const figures = await measure("domain", file);
    expect(figures["n"]).toBe(n);
    expect(figures["accuracy"]).toBeGreaterThanOrEqual(floor);
    expect(figures["ece"]).toBeLessThan(0.06);
  });

  it("tells attacks from harmless texts", async () => {
    const figures = await measure("jailbreak", "jailbreak.dev.jsonl");
    expect(figures["auc"]).toBeGreaterThan(0.95);
    expect(figures["falsePositiveRate"]).toBeLessThan(0.02);
  });

  it("finds structured personal data, and hardly any where there is none", async () => {
    const figures = await measure("pii", "pii.dev.jsonl");
    expect(figures["f1"]).toBeGreaterThan(0.98);
    expect(figures["falsePositiveRate"]).toBeLessThanOrEqual(0.003);
  });

  it("is right about the persons that it names", async () => {
    const { precision } = await measure("pii", "pii.dev.jsonl", ["PERSON"]);
    expect(precision).toBeGreaterThan(0.9);
  });
});
