import { describe, expect, it } from "vitest";
import { withCues } from "./complexity-cues.ts";

/** cuesOf a text, without the marks that keep them apart from words. */
const cuesOf = (text: string) =>
  withCues(text)
    .slice(text.length)
    .split(" zq")
    .filter((cue) => cue !== "");

describe("withCues", () => {
  it.each<[string, string[]]>([
    ["", ["no"]],
    ["green bottles on a wall", ["no"]],
    ["Prove the lemma", ["pq0", "pq"]],
    ["Please prove the lemma", ["gr0", "pq0", "pq"]],
    ["please, could you prove the lemma", ["gr0", "pq", "pq"]],
    ["translate 'lamp' into French", ["rw0"]],
    ["Übersetze das Wort Lampe", ["rw0", "rw"]],
    ["Démontre le théorème", ["pq0", "pq"]],
    ["Докажите теорему", ["pq0", "pq0"]],
    ["证明这个不等式", ["pq"]],
    ["17 + 4", ["su"]],
    ["∫ x dx", ["ma"]],
  ])("names the tasks of %j in their order", (text, cues) => {
    expect(cuesOf(text)).toEqual(cues);
  });

  it("names no task that stands in a quotation, however the quotation ends", () => {
    expect(cuesOf('Mend the commas: "Prove that the design is optimal, then analyse it."')).toEqual(["no"]);
    expect(cuesOf('Mend the commas: "Prove that the design is optimal, then')).toEqual(["no"]);
    expect(cuesOf("Mend the commas:\n```\nprove(design)\n```")).toEqual(["co"]);
  });

  it("keeps the text in front of its cues", () => {
    expect(withCues("Prove it")).toBe("Prove it zqpq0");
  });

  it("reads both ends of a long text", () => {
    const middle = "la la la. ".repeat(2_000);
    const read = withCues(`Prove ${middle} design`);
    expect(read.length).toBeLessThan(3_100);
    expect(read).toMatch(/^Prove .* design zqpq0 zqdn$/su);
  });

  it("gives the same for every way of writing a letter", () => {
    const composed = "Démontre-le";
    expect(cuesOf(composed.normalize("NFD")).length).toBe(cuesOf(composed).length);
  });
});
