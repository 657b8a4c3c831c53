import { describe, expect, it } from "vitest";
import { compareFeatures } from "./compare.ts";
import { featuresOf, type GuardFeatures } from "./features.ts";
import { guards } from "./registry.ts";

const features = (text: string) => featuresOf(text) as GuardFeatures;
const guardOf = (one: string, other: string) => {
  const verdict = compareFeatures(features(one), features(other));
  return verdict.pass ? null : verdict.guard;
};

describe("compareFeatures", () => {
  it.each([
    ["number", "Roast a 2 kg duck", "Roast a 3 kg duck"],
    ["number", "Take 5 mg of zinc", "Take 5 g of zinc"],
    ["number", "What is new in Ruby 3.2?", "What is new in Ruby 3.3?"],
    ["number", "A table for four people", "A table for five people"],
    ["number", "Convert 10 miles to feet", "Convert 10 kilometres to feet"],
    ["quoted", 'What does "brisk" mean?', 'What does "bleak" mean?'],
    ["code", "What does --force do?", "What does --dry-run do?"],
    ["negation", "Why should I rotate my keys?", "Why should I not rotate my keys?"],
    ["negation", "Cook lentils with salt", "Cook lentils without salt"],
    ["limit", "Hotels with at least ten rooms", "Hotels with at most ten rooms"],
    ["antonym", "How do I enable swap?", "How do I disable swap?"],
    ["antonym", "Which walls absorb sound?", "Which walls reflect sound?"],
    ["entity", "Trains around Porto", "Trains around Lisbon"],
    ["entity", "A parser in Java", "A parser in JavaScript"],
    ["order", "The train from Lyon to Turin", "The train from Turin to Lyon"],
    ["order", "Convert litres to pints", "Convert pints to litres"],
    ["question", "Who founded this town?", "When was this town founded?"],
    ["question", "How many bees live in a hive?", "How long do bees live in a hive?"],
    ["aspect", "The causes of gout", "The symptoms of gout"],
    ["scope", "Sort by the maximum price", "Sort by the average price"],
    ["output", "Describe tides as a table", "Describe tides as a poem"],
    ["modality", "May tenants sublet?", "Must tenants sublet?"],
    ["script", "北京有什么好吃的", "上海有什么好吃的"],
  ])("%s stops %j for %j", (guard, one, other) => {
    expect(guardOf(one, other)).toBe(guard);
    expect(guardOf(other, one)).toBe(guard);
  });

  it.each([
    ["A trip of 2 days", "A trip of 48 hours"],
    ["Roast 1.5 kg of pork", "Roast 1500 g of pork"],
    ["The shop closes at 5 pm", "The shop closes at 17:00"],
    ["$12,000 for a roof", "12k dollars for a roof"],
    ["What did Nietzche write?", "What did Nietzsche write?"],
    ["What does the World Health Organization do?", "What does the WHO do?"],
    ["what is in Ghent", "What is in Ghent?"],
    ['What does "hung jury" mean?', "What is a hung jury?"],
    ["How do I mend a bicycle tyre?", "What's the way to fix a bike tire?"],
  ])("lets %j and %j pass", (one, other) => {
    expect(guardOf(one, other)).toBeNull();
    expect(guardOf(other, one)).toBeNull();
  });

  it("lets a question pass for itself, in whatever script", () => {
    for (const text of ["天空为什么是蓝色的", "Is it 5 or 6?", "Why not?"]) expect(guardOf(text, text)).toBeNull();
  });

  it("gives each guard a name of its own", () => {
    expect(new Set(guards.map(({ name }) => name)).size).toBe(guards.length);
  });
});
