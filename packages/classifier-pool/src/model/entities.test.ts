import { describe, expect, it } from "vitest";
import { entityTypes, findEntities, labelScheme, labelTokens } from "./entities.ts";

/** A text whose tokens are written with their labels: "John/B-PER Smith/I-PER". "~" joins a token to the one before. */
function read(marked: string, labels: readonly string[]) {
  const starts: number[] = [];
  const ends: number[] = [];
  const indexes: number[] = [];
  let text = "";
  for (const [, space = "", letters = "", label = ""] of marked.matchAll(/(\s*)~?(\S+?)\/(\S+)/g)) {
    text += marked.includes(`~${letters}/`) ? "" : space;
    starts.push(text.length);
    text += letters;
    ends.push(text.length);
    indexes.push(labels.indexOf(label));
  }
  const count = starts.length;
  const scores = Float32Array.from({ length: count }, (_, index) => (index % 2 === 0 ? 0.5 : 1));
  return {
    text,
    tokens: { count, starts: Int32Array.from(starts), ends: Int32Array.from(ends), labels: Int32Array.from(indexes), scores },
  };
}

const bio = ["O", "B-PER", "I-PER", "B-ORG", "I-ORG"];
const bioes = ["O", "B-PER", "I-PER", "E-PER", "S-PER"];
const bilou = ["O", "B-PER", "I-PER", "L-PER", "U-PER"];
const plain = ["O", "PER", "ORG"];

describe("findEntities", () => {
  it.each<[string, readonly string[], string, string[]]>([
    ["joins B and I", bio, "hello/O John/B-PER Smith/I-PER of/O Acme/B-ORG", ["John Smith PER", "Acme ORG"]],
    ["begins anew at B", bio, "John/B-PER Mary/B-PER", ["John PER", "Mary PER"]],
    ["begins at an I that follows nothing", bio, "to/O Acme/I-ORG Inc/I-ORG", ["Acme Inc ORG"]],
    ["begins at an I of another type", bio, "John/B-PER Acme/I-ORG", ["John PER", "Acme ORG"]],
    ["ends at E", bioes, "John/B-PER Q/I-PER Smith/E-PER Mary/I-PER", ["John Q Smith PER", "Mary PER"]],
    ["knows single ones", bioes, "John/S-PER Mary/S-PER", ["John PER", "Mary PER"]],
    ["knows last and unit", bilou, "John/B-PER Smith/L-PER Mary/U-PER", ["John Smith PER", "Mary PER"]],
    ["joins equal plain labels", plain, "John/PER Smith/PER Acme/ORG of/O Mary/PER", ["John Smith PER", "Acme ORG", "Mary PER"]],
    ["takes the label of a word's first token", bio, "Jo/B-PER ~hn/O likes/O ~me/B-PER", ["John PER"]],
    ["parts words at punctuation", bio, "a/B-PER ~@/I-PER ~b/I-PER ~,/O ~c/B-ORG", ["a@b PER", "c ORG"]],
    ["finds nothing in nothing", bio, "", []],
  ])("%s", (_, labels, marked, expected) => {
    const { text, tokens } = read(marked, labels);
    const found = findEntities(text, tokens, labelScheme(labels)!);
    expect(found.map(({ start, end, type }) => `${text.slice(start, end)} ${type}`)).toEqual(expected);
  });

  it("scores an entity by the mean of its words", () => {
    const { text, tokens } = read("John/B-PER Smith/I-PER", bio);
    expect(findEntities(text, tokens, labelScheme(bio)!)).toEqual([{ start: 0, end: 10, type: "PER", score: 0.75 }]);
  });

  it("takes each token for a word where a script has no spaces", () => {
    const { text, tokens } = read("\u6771/B-PER ~\u4eac/I-PER ~\u3067/O", bio);
    expect(findEntities(text, tokens, labelScheme(bio)!)).toMatchObject([{ start: 0, end: 2 }]);
  });

  it("has tokens of one place be one word", () => {
    const tokens = {
      count: 2,
      starts: Int32Array.of(0, 0),
      ends: Int32Array.of(4, 4),
      labels: Int32Array.of(1, 1),
      scores: Float32Array.of(1, 0),
    };
    expect(findEntities("abcd", tokens, labelScheme(bio)!)).toEqual([{ start: 0, end: 4, type: "PER", score: 1 }]);
  });
});

describe("labelScheme", () => {
  it("takes a prefix for a prefix only where every label has one", () => {
    expect(entityTypes(labelScheme(["O", "I-PER", "B-PER"])!)).toEqual(["PER"]);
    expect(entityTypes(labelScheme(["O", "I-PER", "EMAIL"])!)).toEqual(["I-PER", "EMAIL"]);
  });

  it("is null without a label for what is no entity", () => {
    expect(labelScheme(["B-PER", "I-PER"])).toBeNull();
  });
});

describe("labelTokens", () => {
  it("takes the most probable label of each token, from the row it is told", () => {
    const logits = Float32Array.of(9, 9, 9, 0, Math.log(3), 0, 0, 0, Math.log(8));
    const found = { labels: new Int32Array(4), scores: new Float32Array(4) };
    labelTokens(logits, 3, 1, 2, 4, found);
    expect([...found.labels]).toEqual([0, 0, 1, 2]);
    expect(found.scores[2]).toBeCloseTo(0.6);
    expect(found.scores[3]).toBeCloseTo(0.8);
  });
});
