/** Who stands where: "from Paris to Rome" and "from Rome to Paris", "older than me" and "than whom I am older". */
import type { Guard } from "./guard.ts";
import { hashMark } from "./hash.ts";
import { stem } from "./stem.ts";

const directional: ReadonlySet<string> = new Set("from to into onto than before after over under against minus".split(" "));
const light: ReadonlySet<string> = new Set("the a an my your his her our their its this that some any to of".split(" "));

/** Two marks each: the preposition with its word, and the word; then a last pair of 0 and of all words in order, for questions of the same words. */
export const directions: Guard = {
  name: "order",
  note: ({ tokens }) => {
    const marks: number[] = [];
    for (const [at, { kind, text }] of tokens.entries()) {
      if (kind !== "word" || !directional.has(text)) continue;
      let next = at + 1;
      while (light.has(tokens[next]?.text ?? "")) next += 1;
      const goal = tokens[next];
      if (goal === undefined || goal.kind === "symbol") continue;
      const way = text === "into" || text === "onto" ? "to" : text;
      marks.push(hashMark(`${way} ${stem(goal.text)}`), hashMark(way), hashMark(goal.text));
    }
    return marks;
  },
  agree: (now, stored, words) => {
    for (let i = 0; i < now.length; i += 3) {
      for (let j = 0; j < stored.length; j += 3) {
        if (now[i + 1] !== stored[j + 1] || now[i] === stored[j]) continue;
        // The same preposition stands before another word, and each word is in the other question too.
        if (has(now, stored[j] as number) || has(stored, now[i] as number)) continue;
        if (words.stored.includes(now[i + 2] as number) && words.now.includes(stored[j + 2] as number)) return false;
      }
    }
    return true;
  },
};

function has(marks: Uint32Array, mark: number): boolean {
  for (let i = 0; i < marks.length; i += 3) if (marks[i] === mark) return true;
  return false;
}
