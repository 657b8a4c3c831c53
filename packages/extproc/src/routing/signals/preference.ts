/**
 * The preference signal: the one of several preferences that a message states or implies ("two lines, please"), by nearness to what
 * each says of itself. The encoder reads the message and its parts; everyday messages, which state no preference, tell how near is
 * near. vSR's other way, asking a language model, is not here.
 */
import { defineSignal, RouterError, type SignalScore } from "@turnout/shared";
import { z } from "zod";
import { Anchors } from "./anchors.ts";
import { partsOf } from "./preference-parts.ts";

/**
 * PREFERENCE_DEFAULTS are for MiniLM, chosen on one half of models/training/data/intent/preference.dev.jsonl and on messages of other
 * corpora; figures: models/training/heads/encoder-figures.ts.
 */
const PREFERENCE_DEFAULTS = {
  /** Of a rule's texts, how many count: those nearest to a part. */
  nearest: 3,
  /** Taken off for each doubling of the number of parts: of many, one comes near by accident. */
  doubling: 0.02,
  /** How much nearer than everyday messages a message must be to a rule that has no threshold. */
  margin: 0.22,
  /** Log-odds of being right for what a rule's threshold is exceeded by. */
  excessOdds: 12,
} as const;

/** EVERYDAY are messages that state no preference, long and short. */
const EVERYDAY: readonly string[] = [
  "What is the tallest mountain in Africa?",
  "Hi there, how are you today?",
  "How do I get candle wax out of a tablecloth?",
  "Who composed the music of this film?",
  "Write a poem about the sea in winter.",
  "Translate this sentence into Italian.",
  "My car makes a strange noise when I brake, what could it be?",
  "Is it legal to park in front of my own driveway?",
  "What are the symptoms of a cold?",
  "Suggest a name for a small coffee shop.",
  "Convert 20 pounds to kilograms.",
  "Why did the Roman Empire fall?",
  "Draft an e-mail to a customer whose parcel is late.",
  "How does a bill become a law?",
  "Fix the mistakes in this paragraph.",
  "What does this error message mean?",
  "Write a function that finds the largest number in a list.",
  "Compare electric cars and hybrid cars.",
  "My landlord came into the flat while I was away and says he had knocked. What can I do about it?",
  "I have an interview next week and the last one went badly. Which questions should I expect, and what do I say about the gap?",
  "Explain the difference between a virus and a bacterium.",
  "Our team missed the deadline, two people are ill, and the customer is calling every day. How should I plan the rest?",
  "Solve for x: 4x - 7 = 21.",
  "Thank you, that was very helpful!",
  "What should I cook tonight with rice, spinach and two eggs?",
  "Plan a trip to Scotland with two children in October.",
  "The server returns an error after the update, but only for some users. Where should I look first?",
  "What is the plot of the novel we read in school?",
  "How much water should a person drink in a day?",
  "Summarise the article below.",
  "I moved to a new city and do not know anybody. How do people make friends here?",
  "Which shares did well last year, and is it too late to buy now?",
];

const rule = z
  .strictObject({
    name: z.string().min(1).describe("What conditions refer to."),
    description: z.string().default("").describe("The preference in a few words; read like an example."),
    examples: z
      .array(z.string().min(1))
      .default([])
      .describe("What people say who have this preference, without the subject of their question: `keep it concise`."),
    threshold: z
      .number()
      .min(-1)
      .max(1)
      .optional()
      .describe(
        `Mean cosine to the nearest ${PREFERENCE_DEFAULTS.nearest} texts from which the rule matches. Default: ${PREFERENCE_DEFAULTS.margin} more than everyday messages have.`,
      ),
  })
  .refine(({ description, examples }) => description !== "" || examples.length > 0, {
    path: ["examples"],
    message: "a preference needs a description or examples",
  });

export const preference = defineSignal({
  type: "preference",
  configKey: "preferences",
  header: "preference",
  needs: "embedding",
  summary: "Names the one preference that the user's text states or implies, by nearness to each rule's description and examples.",
  rule,
  create(rules, { window }) {
    const textsOf = ({ description, examples }: (typeof rules)[number]) => (description === "" ? examples : [description, ...examples]);
    const anchors = new Anchors(rules.flatMap(textsOf), window);
    const rows = rules.map((rule) => textsOf(rule).map((text) => anchors.indexOf(text)));
    let thresholds: readonly number[] | null = null;
    const scoresOf = (vectors: readonly Float32Array[]) => {
      const parts = vectors.map((vector) => anchors.similarities(vector));
      const accident = PREFERENCE_DEFAULTS.doubling * Math.log2(parts.length);
      return rows.map((own) => Math.max(...parts.map((cosines) => nearness(cosines, own))) - accident);
    };

    return {
      async warm(embedder, options) {
        await anchors.warm(embedder, options);
        const everyday: (readonly number[])[] = [];
        for (const text of rules.every(({ threshold }) => threshold !== undefined) ? [] : EVERYDAY) {
          const parts = await embedder.embed(
            partsOf(text).map((part) => ({ text: part, window })),
            options,
          );
          everyday.push(scoresOf(parts.map(({ vector }) => vector)));
        }
        const usual = (index: number) => everyday.reduce((sum, scores) => sum + (scores[index] as number), 0) / everyday.length;
        thresholds = rules.map(({ threshold }, index) => threshold ?? usual(index) + PREFERENCE_DEFAULTS.margin);
      },
      async evaluate({ userText: text }, { inference }) {
        if (text === "") return { matches: [] };
        if (thresholds === null) throw new RouterError("encoder_unavailable", "no encoder has read this signal's texts so far");
        const known = thresholds;
        const parts = await Promise.all(partsOf(text).map((part) => inference.embed(part, window)));
        const values = scoresOf(parts.map(({ vector }) => vector));
        const scores: SignalScore[] = rules.map(({ name }, index) => ({ rule: name, score: values[index] as number }));
        // Thresholds differ: the best is the one that exceeds its own by most.
        const excess = values.map((value, index) => value - (known[index] as number));
        const best = excess.indexOf(Math.max(...excess));
        const sampled = parts.some((part) => part.sampled);
        const surplus = excess[best] as number;
        if (surplus < 0) return { matches: [], scores, sampled };
        const { rule, score } = scores[best] as SignalScore;
        const confidence = 1 / (1 + Math.exp(-PREFERENCE_DEFAULTS.excessOdds * surplus));
        return { matches: [{ rule, confidence, value: score }], scores, sampled };
      },
    };
  },
});

/** nearness is the mean of the best cosines among a rule's texts. */
function nearness(cosines: Float32Array, rows: readonly number[]): number {
  const best = Float32Array.from(rows, (row) => cosines[row] ?? -1).sort();
  const count = Math.min(PREFERENCE_DEFAULTS.nearest, best.length);
  return best.subarray(-count).reduce((sum, cosine) => sum + cosine, 0) / count;
}
