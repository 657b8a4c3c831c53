import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { createEmbeddedTier } from "@turnout/classifier-pool/embedded";
import { RouterError } from "@turnout/shared";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { routingSchema } from "../routing/index.ts";
import { PhraseTier } from "../routing/testing/phrase-tier.ts";
import { fitting, scriptedTier } from "../routing/testing/scripted-tier.ts";
import { signalSettings } from "../routing/testing/signal-parts.ts";
import { WordEmbedder } from "../routing/testing/word-embedder.ts";
import { tasks, type TaskName, type TaskParts } from "./tasks.ts";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "turnout-tasks-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

type Row = readonly [text: string, label: unknown];

async function fileOf(name: string, rows: readonly Row[]): Promise<string> {
  const file = join(folder, name);
  await writeFile(file, rows.map(([text, label]) => JSON.stringify({ text, label })).join("\n"));
  return file;
}

const noEncoder = () => Promise.reject(new RouterError("encoder_unavailable", "nobody should ask the encoder"));

/** run gives the figures; without an `encoder` among the changes, asking it fails. */
async function run(
  task: TaskName,
  rows: readonly Row[],
  changes: Partial<Omit<TaskParts, "signals">> & { readonly signals?: object } = {},
) {
  const { signals = {}, ...others } = changes;
  const result = await tasks[task]({
    file: await fileOf("data.jsonl", rows),
    signals: routingSchema.parse({ signals }).signals,
    settings: signalSettings(),
    tier: "cascade",
    encoder: noEncoder,
    similarityThreshold: 0.7,
    progress: () => undefined,
    ...others,
  });
  return result.figures;
}

const LABELS = ["law", "math", "other"];
const tier = scriptedTier(LABELS, {
  statute: { shares: { law: 0.9, math: 0.1 } },
  theorem: { shares: { law: 0.2, math: 0.8 } },
  riddle: { shares: { law: 0.6, math: 0.4 }, standing: "unsure", combined: { law: 0.1, math: 0.9 } },
  γράμμα: { shares: { law: 0.9 }, standing: "foreign" },
});
const rows: readonly Row[] = [
  ["statute", "Law"],
  ["theorem", "law"],
  ["riddle", "math"],
  ["γράμμα", "other"],
];
const settings = signalSettings({ embedded: tier, encoderModel: () => fitting });

describe("the domain task", () => {
  it("asks the encoder about what the embedded tier is unsure of, and says how much that was", async () => {
    const embedder = new WordEmbedder();
    const figures = await run("domain", rows, { settings, encoder: async () => embedder });
    expect(figures).toMatchObject({ n: 4, accuracy: 0.75, top2: 1, escalated: 0.25, abstained: 0.25 });
    expect(new Set(embedder.submissions.flat().map(({ text }) => text.trim()))).toEqual(new Set(["riddle"]));
  });

  it("never asks the encoder where the embedded tier is measured alone", async () => {
    const figures = await run("domain", rows, { settings, tier: "embedded" });
    expect(figures).toMatchObject({ accuracy: 0.5, top2: 1, escalated: 0 });
  });

  it("always asks it where the encoder is measured", async () => {
    const figures = await run("domain", rows, { settings, tier: "encoder", encoder: async () => new WordEmbedder() });
    expect(figures).toMatchObject({ escalated: 1 });
  });

  it("takes an abstention for other", async () => {
    const signals = { domains: [{ name: "math" }] };
    const figures = await run("domain", [...rows, ["nothing", "other"]], { settings, signals, tier: "embedded" });
    expect(figures).toMatchObject({ abstained: 4 / 5, confusion: { law: { other: 1 }, other: { other: 2 } } });
  });

  it("judges by the rule that stands for a label", async () => {
    const signals = { domains: [{ name: "deduction", mmlu_categories: ["math", "law"] }, { name: "other" }] };
    const figures = await run("domain", rows, { settings, signals, tier: "embedded" });
    expect(figures).toMatchObject({ accuracy: 1, confusion: { deduction: { deduction: 3 } } });
  });

  it("refuses a label that stands for no domain, with its place", async () => {
    await expect(run("domain", [...rows, ["theorem", "maths"]], { settings, tier: "embedded" })).rejects.toMatchObject({
      code: "request_invalid",
      message: expect.stringMatching(/data\.jsonl:5: .*did you mean "math"/) as string,
    });
  });

  it("measures domains of other names by the encoder, and says that the embedded tier alone cannot", async () => {
    const signals = {
      domains: [
        { name: "roses", description: "pruning roses" },
        { name: "soil", description: "compost acidity" },
      ],
    };
    const garden: readonly Row[] = [
      ["when to begin pruning roses", "roses"],
      ["compost for less acidity", "soil"],
    ];
    const figures = await run("domain", garden, { settings, signals, encoder: async () => new WordEmbedder() });
    expect(figures).toMatchObject({ accuracy: 1, escalated: 1, abstained: 0 });
    await expect(run("domain", garden, { settings, signals, tier: "embedded" })).rejects.toMatchObject({
      code: "request_invalid",
      message: expect.stringContaining("--tier embedded") as string,
    });
  });

  it("has the fields that programs read, from the model that comes with Turnout", async () => {
    const embedded = createEmbeddedTier();
    const figures = await run("domain", rows, { settings: signalSettings({ embedded }), tier: "embedded" });
    expect(Object.keys(figures)).toEqual(
      expect.arrayContaining(["n", "accuracy", "macroF1", "top2", "ece", "perClass", "confusion", "escalated", "abstained", "interval"]),
    );
    expect(figures).toMatchObject({ n: 4, textsPerSecond: expect.any(Number) as number, p50Us: expect.any(Number) as number });
    expect(embedded.labelsOf("domain")).toEqual(expect.arrayContaining(Object.keys(figures["perClass"] as object)));
  });

  it("ends with the encoder's failure, and asks no further texts", async () => {
    const embedder = new WordEmbedder();
    embedder.before = async () => {
      if (embedder.submissions.length === 1) throw new RouterError("worker_failed", "the first text was too much");
    };
    const many = Array.from({ length: 100 }, (): Row => ["riddle", "math"]);
    await expect(run("domain", many, { settings, encoder: async () => embedder })).rejects.toMatchObject({ code: "worker_failed" });
    await turn();
    expect(embedder.submissions.length).toBeLessThan(40);
  });
});

describe("the intent task", () => {
  const train: readonly Row[] = [
    ["water my plants tomorrow", "watering"],
    ["when should plants get water", "watering"],
    ["which bulbs flower early", "law"],
    ["order some tulip bulbs", "law"],
  ];

  it("knows labels by their examples, whatever they are called", async () => {
    const trainFile = await fileOf("train.jsonl", train);
    const asked: readonly Row[] = [
      ["plants without water", "watering"],
      ["early tulip bulbs", "law"],
      ["statute", "watering"],
    ];
    const figures = await run("intent", asked, { settings, trainFile, encoder: async () => new WordEmbedder() });
    expect(figures).toMatchObject({ n: 3, accuracy: 2 / 3, escalated: 1 });
  });

  it("keeps labels apart that differ in their spelling alone", async () => {
    const spelled: readonly Row[] = [
      ["water my plants", "Out_Of"],
      ["order tulip bulbs", "out-of"],
    ];
    const trainFile = await fileOf("train.jsonl", spelled);
    const { perClass } = await run("intent", spelled, { settings, trainFile, encoder: async () => new WordEmbedder() });
    expect(Object.keys(perClass as object)).toEqual(["Out_Of", "out-of"]);
  });

  it("asks for the examples", async () => {
    await expect(run("intent", train)).rejects.toMatchObject({ message: expect.stringContaining("--train") as string });
  });

  it("names the place of a wrong example", async () => {
    const trainFile = await fileOf("train.jsonl", [...train, ["", "x"]]);
    await expect(run("intent", train, { trainFile })).rejects.toMatchObject({
      message: expect.stringContaining("train.jsonl:5: text") as string,
    });
  });
});

describe("the jailbreak task", () => {
  const attacks: readonly Row[] = [
    ["now open sesame", 1],
    ["a closed door", 1],
    ["a seed cake", 0],
    ["sesame seeds", 0],
  ];

  it("judges by the trained model where the configuration has no rule", async () => {
    const embedded = signalSettings({ embedded: new PhraseTier("open sesame") });
    const figures = await run("jailbreak", attacks, { settings: embedded });
    expect(figures).toMatchObject({ n: 4, precision: 1, recall: 0.5, falsePositiveRate: 0, auc: 0.75, escalated: 0, abstained: 0 });
  });

  it("judges by the rules of the configuration, and starts the encoder for a contrastive one", async () => {
    const rule = { name: "contrast", method: "contrastive", jailbreak_patterns: ["open sesame door"], benign_patterns: ["seed cake"] };
    const figures = await run("jailbreak", attacks, { signals: { jailbreak: [rule] }, encoder: async () => new WordEmbedder() });
    expect(figures).toMatchObject({ recall: 1, escalated: 1 });
  });

  it("ends where the trained model is missing, and says so", async () => {
    await expect(run("jailbreak", attacks, { settings })).rejects.toMatchObject({ code: "model_unsupported" });
  });

  it("measures rules that never ask the encoder as they are served, whatever the tier", async () => {
    const embedded = signalSettings({ embedded: new PhraseTier("open sesame") });
    const figures = await run("jailbreak", attacks, { settings: embedded, tier: "encoder" });
    expect(figures).toMatchObject({ n: attacks.length, escalated: 0 });
  });
});

describe("the pii task", () => {
  const letters: readonly Row[] = [
    ["Write to ann.lee@example.org please", [[9, 28, "EMAIL"]]],
    ["Her name is Ann Lee", [[12, 19, "PERSON"]]],
    ["Nothing of the kind", []],
  ];

  it("counts the types with a checkable form, under whatever names the data has", async () => {
    expect(await run("pii", letters)).toMatchObject({
      n: 3,
      spans: 1,
      precision: 1,
      recall: 1,
      f1: 1,
      auc: 1,
      falsePositiveRate: 0,
      perType: { EMAIL_ADDRESS: { support: 1, recall: 1 } },
    });
  });

  it("counts the types that are asked for, and no other", async () => {
    const { perType } = await run("pii", letters, { types: ["person"] });
    expect(perType).toEqual({ PERSON: { precision: 1, recall: 1, f1: 1, support: 1 } });
  });

  it("refuses a type that no detector finds", async () => {
    await expect(run("pii", letters, { types: ["SHOE_SIZE"] })).rejects.toMatchObject({
      message: expect.stringContaining("CREDIT_CARD") as string,
    });
  });
});
