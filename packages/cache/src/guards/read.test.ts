import { describe, expect, it } from "vitest";
import { readQuestion, sameQuestion, type Reading } from "./read.ts";

const read = (text: string) => readQuestion(text) as Reading;
const same = (one: string, other: string) => sameQuestion(read(one), read(other));

describe("sameQuestion", () => {
  it.each([
    ["What's the population of Malta?", "what is the population of malta"],
    ["I don't understand recursion", "I do not understand recursion."],
    ["Plan three days in Riga", "plan 3 days in Riga"],
    ["Write twenty-five riddles", "Write 25 riddles"],
    ["What colour is a ripe quince?", "What color is a ripe quince?"],
    ["How do I back up a Postgres db?", "how do i back up a postgresql database"],
    ["Is 20% of 1,500 a lot?", "is 20 percent of 1500 a lot"],
    ["Could you please tell me how do I reset a router?", "How do I reset a router?"],
    ["¿Qué es un préstamo?", "que es un prestamo"],
    ["Explain e-mail encryption", "explain email encryption"],
    ["Beat level-3", "beat level 3"],
  ])("%j asks what %j asks", (one, other) => {
    expect(same(one, other)).toBe(true);
  });

  it.each([
    ["Plan 3 days in Riga", "Plan 4 days in Riga"],
    ["What does `a[0]` return?", "What does `a[1]` return?"],
    ["What does a[::2] do?", "What does a[2::] do?"],
    ["Explain x ?? y", "Explain x ?. y"],
    ["Explain the sign 🙃", "Explain the sign 🙂"],
    ["Delete ./build", "Delete / build"],
    ["What does US mean?", "what does us mean"],
    ["año", "ano"],
    ["Can I take it with food?", "Can't I take it with food?"],
    ["Solve x^2 + 3x = 4", "Solve x^2 - 3x = 4"],
  ])("%j does not ask what %j asks", (one, other) => {
    expect(same(one, other)).toBe(false);
  });
});

describe("readQuestion", () => {
  it("reads nothing where nothing is, and nothing that is too long", () => {
    expect(readQuestion("")).toBeNull();
    expect(readQuestion("  \n ")).toBeNull();
    expect(readQuestion("word ".repeat(1_000))).toBeNull();
    expect(readQuestion("a b ".repeat(100))).toBeNull();
    expect(readQuestion(`what is ${"*".repeat(200)}`)).toBeNull();
  });

  it("tells how much is not in Latin letters", () => {
    expect(read("天空为什么是蓝色的").foreign).toBe(1);
    expect(read("What is the value of π?").foreign).toBeLessThan(0.1);
  });
});
