/**
 * The domain signal: the user's text belongs to the domain that says of itself what is nearest. Nothing is trained; any set of
 * names works. A domain is looked at from up to three sides: its name, the topics its description lists, its exemplars; the score
 * is the mean over the sides. The domain named "other", where there is one, is a subject by what it lacks, and descriptions of it say
 * little: texts of the small talk and chores that people write stand for it too, and it takes what is near to nothing.
 */
import { defineSignal, type SignalEvaluation, type SignalScore } from "@turnout/shared";
import { z } from "zod";
import { Anchors } from "./anchors.ts";

/**
 * DOMAIN_DEFAULTS are the numbers of this signal for MiniLM, chosen on training data (docs/accuracy.md has the figures by set). With
 * vSR's own 14 descriptions, cosine to the bare description is right on 46 % of English chat messages, this score on 67 %.
 */
export const DOMAIN_DEFAULTS = {
  /** Name of the domain that takes what is near to none. */
  fallback: "other",
  /** Score below which a text belongs to no subject. */
  floor: 0.1,
  /** What the nearness to LEFTOVERS is lessened by before it is compared with a subject's score, which is a mean over rougher sides. */
  leftoverHandicap: 0.05,
  /** Softmax temperature over scores: confidence then says about how often the domain is right. It never changes who wins. */
  temperature: 0.04,
} as const;

/** LEFTOVERS are messages that belong to no subject, for the fallback domain. */
const LEFTOVERS: readonly string[] = [
  "Hi there, how are you doing today?",
  "Thanks a lot, talk to you later",
  "Say something funny to cheer me up",
  "Let's just chat for a while, I am bored",
  "What can you help me with?",
  "Recommend a film or a series for tonight",
  "What can I cook with eggs and spinach?",
  "Plan a weekend trip to the mountains",
  "Which river flows through Vienna?",
  "What is the largest city of Canada?",
  "Who won the football match yesterday?",
  "Write a birthday card for my aunt",
  "Translate this sentence into Spanish",
  "Make this paragraph shorter and friendlier",
  "Suggest a name for my puppy",
  "How do I get a wine stain out of a carpet?",
];

/** How many topics of one description become anchors. */
const MAX_TOPICS = 32;

const rule = z.strictObject({
  name: z
    .string()
    .min(1)
    .describe("What conditions refer to. The name is itself compared with the text; `other` takes what is near to no domain."),
  description: z.string().default("").describe("Topics of the domain, separated by commas or in sentences."),
  exemplars: z.array(z.string().min(1)).default([]).describe("Texts typical of the domain; Turnout's addition to vSR's schema."),
  mmlu_categories: z.array(z.string().min(1)).default([]).describe("Other domain names that this one stands for too."),
});

type Rule = z.output<typeof rule>;

/** question is how a topic becomes an anchor: users ask, so the anchor is put as asking. Worth ten points against the bare topic. */
const question = (topic: string) => `A question about ${topic}`;

/** topicsOf a description: what stands between its commas, stops and conjunctions. Without one, the categories it stands for. */
function topicsOf({ description, mmlu_categories }: Rule): readonly string[] {
  const topics = description
    .split(/[,;:.\n]|\s(?:and|or)\s/)
    .map((topic) => topic.trim())
    .filter((topic) => topic !== "");
  return (topics.length > 0 ? topics : mmlu_categories).slice(0, MAX_TOPICS);
}

/** Sides are the anchor texts of one domain. */
interface Sides<Anchor> {
  readonly name: string;
  readonly title: Anchor;
  readonly topics: readonly Anchor[];
  readonly exemplars: readonly Anchor[];
}

function sidesOf(rule: Rule): Sides<string> {
  return {
    name: rule.name,
    title: question(rule.name.replaceAll(/[_-]/g, " ")),
    topics: topicsOf(rule).map(question),
    exemplars: rule.exemplars,
  };
}

export const domain = defineSignal({
  type: "domain",
  configKey: "domains",
  header: "domains",
  needs: "embedding",
  summary: "Names the domain whose name, description and exemplars the user's text is nearest to; no training needed.",
  rule,
  create(rules, { window }) {
    const texts = rules.map(sidesOf);
    const ownTexts = texts.flatMap(({ title, topics, exemplars }) => [title, ...topics, ...exemplars]);
    const hasFallback = rules.some(({ name }) => name === DOMAIN_DEFAULTS.fallback);
    const anchors = new Anchors(ownTexts, window, hasFallback ? LEFTOVERS : []);
    const rowOf = (text: string) => anchors.indexOf(text);
    const domains = texts.map(({ name, title, topics, exemplars }) => ({
      name,
      title: rowOf(title),
      topics: topics.map(rowOf),
      exemplars: exemplars.map(rowOf),
    }));
    return {
      warm: (embedder, options) => anchors.warm(embedder, options),
      async evaluate(request, { inference }) {
        if (request.userText === "") return { matches: [] };
        anchors.requireWarm();
        const { vector, sampled } = await inference.embed(request.userText, window);
        const cosines = anchors.similarities(vector);
        const leftover = (cosines[anchors.groupRow] ?? -1) - DOMAIN_DEFAULTS.leftoverHandicap;
        const scores = domains.map((sides) => {
          const score = scoreOf(sides, cosines);
          return { rule: sides.name, score: sides.name === DOMAIN_DEFAULTS.fallback ? Math.max(score, leftover) : score };
        });
        return { ...judge(scores, rules), scores, sampled };
      },
    };
  },
});

/** scoreOf is the mean over the sides a domain has: name, nearest topic, all exemplars on average. */
function scoreOf({ title, topics, exemplars }: Sides<number>, cosines: Float32Array): number {
  let sum = cosines[title] ?? 0;
  let sides = 1;
  if (topics.length > 0) {
    sum += topics.reduce((best, row) => Math.max(best, cosines[row] ?? -1), -1);
    sides += 1;
  }
  if (exemplars.length > 0) {
    sum += exemplars.reduce((total, row) => total + (cosines[row] ?? 0), 0) / exemplars.length;
    sides += 1;
  }
  return sum / sides;
}

/** judge turns scores into the one domain found, under its own name and under every name that stands for it. */
function judge(scores: readonly SignalScore[], rules: readonly Rule[]): Pick<SignalEvaluation, "matches"> {
  const { fallback, floor, temperature } = DOMAIN_DEFAULTS;
  const best = scores.reduce<SignalScore | null>((best, score) => (best === null || score.score > best.score ? score : best), null);
  if (best === null) return { matches: [] };
  const found = best.score >= floor ? best.rule : fallback;
  let sum = 0;
  for (const { score } of scores) sum += Math.exp((score - best.score) / temperature);
  // What falls to the fallback is as sure as the winner was unsure.
  const confidence = found === best.rule ? 1 / sum : 1 - 1 / sum;
  return {
    matches: rules
      .filter((rule) => rule.name === found || rule.mmlu_categories.includes(found))
      .map((rule) => ({ rule: rule.name, confidence, value: scores.find((score) => score.rule === rule.name)?.score ?? best.score })),
  };
}
