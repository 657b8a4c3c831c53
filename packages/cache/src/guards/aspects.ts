/** What is asked about a thing: its causes, not its effects; its price, not its size; who, not when. */
import { alternatives } from "./alternatives.ts";
import type { Guard } from "./guard.ts";
import type { Token } from "./read.ts";

export const aspects = alternatives("aspect", [
  [
    "cause causes reason reasons",
    "effect effects consequence consequences impact",
    "symptom symptoms sign signs",
    "treatment treatments treat cure therapy remedy",
    "prevention prevent avoid",
    "diagnosis diagnose diagnosed",
    "history origin origins",
    "definition define meaning",
    "example examples",
    "price cost costs fee expensive",
    "salary wage earn",
    "rule rules law laws",
    "advantage advantages pro pros benefit benefits strength strengths",
    "disadvantage disadvantages con cons drawback drawbacks weakness weaknesses criticism criticisms",
    "risk risks danger dangers",
    "ingredient ingredients",
    "calorie calories",
    "plot",
    "author",
    "population",
    "capital",
    "weather climate",
    "size dimensions",
    "weight",
    "height",
    "depth",
    "age",
    "lifespan",
    "speed",
    "color",
    "location",
    "warranty",
    "deadline",
    "alternatives",
    "syntax",
    "installation install",
    "difference differences",
    "similarity similarities",
  ],
]);

const exactWh: ReadonlySet<string> = new Set("who whom whose when where why".split(" "));
/** "How many" asks something else than "how long"; "how" alone asks for a way. */
const measures: ReadonlySet<string> = new Set(
  "many much long old far tall high deep big heavy fast often wide hot cold late early soon".split(" "),
);

/** questionWords of a question that has just one of them, if it is one that says what is asked; "what" may stand for all of them. */
export const questionWords: Guard = {
  name: "question",
  note: ({ tokens }) => {
    const found = new Set<number>();
    for (let i = 0; i < tokens.length; i += 1) {
      const mark = whOf(tokens, i);
      if (mark !== 0) found.add(mark);
    }
    return found.size === 1 ? [...found] : [];
  },
  agree: (now, stored) => now.length === 0 || stored.length === 0 || now[0] === stored[0] || now[0] === OPEN || stored[0] === OPEN,
};

const OPEN = 1;

function whOf(tokens: readonly Token[], at: number): number {
  const { kind, text } = tokens[at] as Token;
  if (kind !== "word") return 0;
  const next = tokens[at + 1]?.text ?? "";
  if (text === "what" || text === "which") return OPEN;
  // "how come" is why.
  if (text === "how")
    return next === "come"
      ? 7
      : measures.has(next)
        ? 10 + [...measures].indexOf(next)
        : next === "large"
          ? 10 + [...measures].indexOf("big")
          : 9;
  if (!exactWh.has(text)) return 0;
  // "When" and "where" in the middle of a sentence begin a clause more often than a question.
  if ((text === "when" || text === "where") && at > 0) return 0;
  return { who: 3, whom: 3, whose: 4, when: 5, where: 6, why: 7 }[text] ?? 0;
}
