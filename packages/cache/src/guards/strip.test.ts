import { describe, expect, it } from "vitest";
import { stripWrapping } from "./strip.ts";

describe("stripWrapping", () => {
  it.each([
    ["Hi there, could you please explain how tides work? Thanks!", "explain how tides work"],
    ["Quick question: what does a bailiff do?", "what does a bailiff do"],
    ["hey, i was wondering how glue sticks", "how glue sticks"],
    ["Sorry to bother you, but would you happen to know how old oaks get?", "would you happen to know how old oaks get"],
    ["please rank these three laptops, thank you so much", "rank these three laptops"],
    ['"Why do cats purr?"', "Why do cats purr"],
    ["how do i clean an oven!!! 😩", "how do i clean an oven"],
    ["Hallo, wie lange hält Joghurt? Danke!", "wie lange hält Joghurt"],
    ["Bonjour, combien de temps cuit un œuf ? Merci", "combien de temps cuit un œuf"],
    ["你好，请问怎么煮米饭？谢谢", "怎么煮米饭"],
    ["Could you convert 3 miles to metres for me, please?", "Could you convert 3 miles to metres for me"],
  ])("takes the wrapping off %j", (text, asked) => {
    expect(stripWrapping(text)).toBe(stripWrapping(asked));
  });

  it.each([
    ["Can you eat the skin of a pear?"],
    ["Is yoga right for me"],
    ["What does the emoji 🙃 mean"],
    ["How do you say thanks in Dutch"],
    ["Which is best, coffee or tea"],
  ])("leaves %j alone", (text) => {
    expect(stripWrapping(text)).toBe(text.replace(/\?$/, ""));
  });

  it.each(["hi", "Thanks!", "please", "???", ""])("leaves something of %j", (text) => {
    expect(stripWrapping(text).length > 0 || text.replaceAll(/[\s.!?]/g, "") === "").toBe(true);
  });
});
