import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { createEmbeddedTier, defaultEmbeddedModel, logSoftmax, weigh } from "./embedded-model.ts";

const tier = createEmbeddedTier();
const domainOf = (text: string) => tier.read(text).classify("domain");

describe("the embedded model that comes with Turnout", () => {
  it.each([
    ["how do bees pollinate flowers", "biology"],
    ["my landlord keeps the deposit, can I sue in small claims court", "law"],
    ["fix this null pointer exception in my java code", "computer science"],
    ["¿qué síntomas tiene la gripe en los niños?", "health"],
    ["hey there, how was your weekend", "other"],
  ])("takes %j for %s", (text, label) => expect(domainOf(text).best).toBe(label));

  it("gives probabilities", () => {
    const { labels, probabilities, confidence, best } = domainOf("how long do contracts with minors bind");
    expect(probabilities).toHaveLength(labels.length);
    expect(probabilities.reduce((sum, p) => sum + p, 0)).toBeCloseTo(1, 5);
    expect(probabilities[labels.indexOf(best)]).toBe(confidence);
  });

  it("stands for nothing in a script it never met", () => {
    expect(domainOf("ආයුබෝවන් කොහොමද ඔබට").standing).toBe("foreign");
    expect(tier.read("ආයුබෝවන්").foreign).toBe(true);
  });

  it("is unsure of an English message that could be about anything", () => {
    expect(domainOf("how does this compare with what they did before").standing).toBe("unsure");
  });

  it("does not send languages to the encoder that the encoder does not read", () => {
    const reading = tier.read("怎么治疗感冒和发烧");
    expect([reading.english < 0.5, reading.classify("domain").standing]).toEqual([true, "sure"]);
  });

  it("reads a text once for all who ask in turn, and keeps no long one", () => {
    const tier = createEmbeddedTier();
    const first = tier.read("Why do leaves fall?");
    for (let i = 0; i < 5; i += 1) tier.read(`something else ${i}`);
    expect(tier.read("Why do leaves fall?")).toBe(first);
    tier.read("one more");
    expect(tier.read("Why do leaves fall?")).not.toBe(first);
    const long = tier.read("long ".repeat(1_000));
    tier.read("yet another");
    expect(tier.read("long ".repeat(1_000))).not.toBe(long);
  });

  it("says the same of a text whatever was read before it", () => {
    const first = [...domainOf("a bridge of steel").probabilities];
    domainOf("something else");
    expect([...domainOf("a bridge of steel").probabilities]).toEqual(first);
  });

  it("takes the encoder's vector into account, and refuses one of another length", () => {
    const reading = tier.read("a bridge of steel");
    const { dimension = 0 } = tier.encoderOf("domain") ?? {};
    const combined = reading.combine("domain", new Float32Array(dimension).fill(1 / Math.sqrt(dimension)));
    expect(combined.probabilities.reduce((sum, p) => sum + p, 0)).toBeCloseTo(1, 5);
    expect([...combined.probabilities]).not.toEqual([...reading.classify("domain").probabilities]);
    expect(() => reading.combine("domain", new Float32Array(3))).toThrow(/a vector of 3 numbers/);
  });

  it("has no heads but its own", () => {
    expect(tier.labelsOf("astrology")).toBeNull();
    expect(() => tier.read("x").classify("astrology")).toThrow(/no head "astrology"/);
  });
});

describe("a model's directory", () => {
  const manifest = JSON.parse(readFileSync(join(defaultEmbeddedModel, "manifest.json"), "utf8")) as Record<string, unknown>;
  const directoryWith = (changes: Record<string, unknown>, tables: Uint8Array = new Uint8Array(8)) => {
    const directory = mkdtempSync(join(tmpdir(), "turnout-embedded-"));
    writeFileSync(join(directory, "manifest.json"), JSON.stringify({ ...manifest, ...changes }));
    writeFileSync(join(directory, "model.safetensors"), tables);
    return directory;
  };
  const reading = (directory: string) => () => createEmbeddedTier(directory).read("x");

  it("is refused when there is none", () => expect(reading("/nowhere/at/all")).toThrow(/manifest\.json cannot be read/));
  it("is refused when the tables are others than the manifest's", () => expect(reading(directoryWith({}))).toThrow(/SHA-256/));
  it("is refused when it was trained on other features", () =>
    expect(reading(directoryWith({ features: 999 }))).toThrow(/features version 999/));
  it("is refused when the manifest says something unheard of", () => expect(reading(directoryWith({ sale: true }))).toThrow(/sale/));
  it("is not read before somebody asks", () => expect(() => createEmbeddedTier("/nowhere/at/all")).not.toThrow());
});

describe("weigh", () => {
  it("gives rare rows more weight, and a text's values the length 1", () => {
    const values = weigh(Uint32Array.of(0, 1), Uint8Array.of(30, 40));
    expect([...values].map((value) => Number(value.toFixed(3)))).toEqual([0.6, 0.8]);
  });
  it("bears a text without features", () => expect(weigh(new Uint32Array(0), new Uint8Array(0))).toHaveLength(0));
});

describe("logSoftmax", () => {
  it("flattens with temperature and survives large logits", () => {
    const sharp = logSoftmax(Float32Array.of(1000, 999), 1).map(Math.exp);
    const flat = logSoftmax(Float32Array.of(1000, 999), 100).map(Math.exp);
    expect([sharp[0], flat[0]].map((p) => Number((p as number).toFixed(3)))).toEqual([0.731, 0.502]);
  });
});
