/**
 * The domain signal: one domain per message. The 14 domains that Turnout was trained on are recognised by the embedded tier, and by the
 * encoder too where that is unsure. Domains of other names are recognised by what they say of themselves (anchors.ts): name, topics of
 * the description, exemplars; the nearest wins. A configuration may mix both.
 */
import {
  defineSignal,
  type EmbeddedTier,
  type EncoderIdentity,
  type RequestInference,
  type SignalEvaluation,
  type SignalMatch,
  type SignalScore,
  type TextClassification,
  type TextEmbedding,
  type TextWindow,
} from "@turnout/shared";
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
    .describe(
      "What conditions refer to. The 14 known names (docs/accuracy.md) are recognised by training, any other by itself, description and exemplars. `other` takes what belongs to no domain.",
    ),
  description: z
    .string()
    .default("")
    .describe("Topics of the domain, separated by commas or in sentences. Not read where all domains are known ones."),
  exemplars: z
    .array(z.string().min(1))
    .default([])
    .describe("Texts typical of the domain; Turnout's addition to vSR's schema. Not read where all domains are known ones."),
  mmlu_categories: z
    .array(z.string().min(1))
    .default([])
    .describe("Other domain names that this one stands for too; known ones make it known."),
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
  summary:
    "Names the one domain of the user's text: the 14 known names by trained classifiers, which ask the encoder where they are unsure, any other by what its name, description and exemplars say.",
  rule,
  create(rules, { window, embedded, encoderModel, domainCascade }) {
    const trained = embedded === null ? null : TrainedDomains.of(rules, embedded);
    // Rules of known names alone need no anchors, unless an encoder answers that the trained layer does not fit.
    const described = new DescribedDomains(rules, window);
    const alone = trained !== null && trained.claimsAll;
    const fits = () => trained !== null && trained.fits(encoderModel());
    const usesEncoder = !alone || domainCascade !== "embedded";
    return {
      ...(alone ? { needs: usesEncoder ? ("wanted" as const) : ("nothing" as const) } : {}),
      warm: async (embedder, options) => {
        if (usesEncoder && !(alone && fits())) await described.anchors.warm(embedder, options);
      },
      async evaluate(request, { inference, provisional }) {
        const text = request.userText;
        if (text === "") return { matches: [] };
        if (trained === null) {
          const { scores, sampled } = await described.scoresOf(text, inference);
          return { ...judgeDescribed(scores, rules), scores, sampled };
        }
        const reading = trained.embedded.read(text);
        const own = reading.classify(HEAD);
        const first = trained.judge(own);
        if (alone && (domainCascade === "embedded" || (domainCascade === "auto" && own.standing !== "unsure"))) {
          return { ...first, cascade: { tier: "embedded" } };
        }
        provisional({ ...first, cascade: { tier: "embedded" } });
        if (!alone || !fits()) {
          const { scores, sampled } = await described.scoresOf(text, inference);
          const step = { tier: "encoder", agreed: judgeDescribed(scores, rules).matches[0]?.rule === first.matches[0]?.rule } as const;
          return { ...trained.judge(own, shares(scores)), sampled, cascade: step };
        }
        const { vector, sampled }: TextEmbedding = await inference.embed(text, window);
        const both = reading.combine(HEAD, vector);
        return { ...trained.judge(both), sampled, cascade: { tier: "encoder", agreed: both.best === own.best } };
      },
    };
  },
});

/** HEAD is the embedded model's head for domains. */
const HEAD = "domain";

/** How much the nearness to descriptions counts where the encoder is not the one that the trained layer fits. */
const DESCRIPTION_SHARE = 0.5;

/** TrainedDomains are the rules as the trained classifiers see them: each stands for some of their labels, or for none. */
class TrainedDomains {
  readonly embedded: EmbeddedTier;
  readonly #rules: readonly Rule[];
  readonly #labels: readonly string[];
  /** Labels of each rule, as places in #labels. */
  readonly #claims: readonly (readonly number[])[];

  /** of gives null where no rule has a name that the classifiers know. */
  static of(rules: readonly Rule[], embedded: EmbeddedTier): TrainedDomains | null {
    const domains = new TrainedDomains(rules, embedded);
    return domains.#claims.some((claimed) => claimed.length > 0) ? domains : null;
  }

  private constructor(rules: readonly Rule[], embedded: EmbeddedTier) {
    this.embedded = embedded;
    this.#rules = rules;
    this.#labels = embedded.labelsOf(HEAD) ?? [];
    this.#claims = rules.map(({ name, mmlu_categories }) =>
      [...new Set([name, ...mmlu_categories].map((known) => this.#labels.indexOf(plain(known))))].filter((label) => label >= 0),
    );
  }

  /** claimsAll is true when every rule stands for something that was trained. */
  get claimsAll(): boolean {
    return this.#claims.every((claimed) => claimed.length > 0);
  }

  /** fits says whether the trained network reads this encoder's vectors: not those of another revision, cut short, or of fewer layers. */
  fits(encoder: EncoderIdentity | null): boolean {
    const own = this.embedded.encoderOf(HEAD);
    if (encoder === null || own === null) return false;
    return own.model === encoder.model && own.revision === encoder.revision && own.dimension === encoder.dimension;
  }

  /**
   * judge finds the one rule. `near` are the rules' shares by nearness to their descriptions, where rules of other names have to be
   * compared too: trained rules then divide among themselves what is near to any of them. A text of a trained label that no rule
   * stands for, or of a script nobody knows, falls to the fallback.
   */
  judge({ probabilities, best, standing }: TextClassification, near?: readonly number[]): SignalEvaluation {
    const trained = this.#claims.map((claimed) => claimed.reduce((sum, label) => sum + (probabilities[label] as number), 0));
    const shares = near === undefined ? trained : this.#divided(trained, near);
    const scores = this.#rules.map(({ name }, index) => ({ rule: name, score: shares[index] as number }));
    const fallback = this.#rules.findIndex(({ name }) => name === DOMAIN_DEFAULTS.fallback);
    if (standing === "foreign" && near === undefined) return { ...this.#found(fallback, 1 / this.#labels.length), scores };
    const label = this.#labels.indexOf(best);
    const owner = near === undefined ? this.#claims.findIndex((claimed) => claimed.includes(label)) : shares.indexOf(Math.max(...shares));
    if (owner >= 0) return { ...this.#found(owner, shares[owner] as number), scores };
    const unclaimed = 1 - trained.reduce((sum, share, rule) => (rule === fallback ? sum : sum + share), 0);
    return { ...this.#found(fallback, unclaimed), scores };
  }

  /** #divided gives trained rules what is near to any of them, half by nearness and half as the classifiers divide it. */
  #divided(trained: readonly number[], near: readonly number[]): readonly number[] {
    const isTrained = (rule: number) => (this.#claims[rule] as readonly number[]).length > 0;
    const mass = near.reduce((sum, share, rule) => (isTrained(rule) ? sum + share : sum), 0);
    const total = trained.reduce((sum, share) => sum + share, 0) || 1;
    return trained.map((share, rule) => {
      const nearness = near[rule] as number;
      return isTrained(rule) ? DESCRIPTION_SHARE * nearness + (1 - DESCRIPTION_SHARE) * mass * (share / total) : nearness;
    });
  }

  /** #found matches the rule and those that stand for it too. */
  #found(owner: number, confidence: number): { readonly matches: SignalMatch[] } {
    const name = this.#rules[owner]?.name;
    if (name === undefined) return { matches: [] };
    return { matches: rulesOf(name, this.#rules).map((rule) => ({ rule: rule.name, confidence, value: confidence })) };
  }
}

/** rulesOf a domain are the one of its name and those that stand for it too. */
const rulesOf = (domain: string, rules: readonly Rule[]) =>
  rules.filter(({ name, mmlu_categories: categories }) => name === domain || categories.includes(domain));

/** plain is a domain's name as the classifiers spell it. */
const plain = (name: string) => name.toLowerCase().replaceAll(/[_-]/g, " ").trim();

/** DescribedDomains compares a text with what the rules say of themselves. */
class DescribedDomains {
  readonly anchors: Anchors;
  readonly #window: TextWindow;
  readonly #domains: readonly Sides<number>[];

  constructor(rules: readonly Rule[], window: TextWindow) {
    const texts = rules.map(sidesOf);
    const ownTexts = texts.flatMap(({ title, topics, exemplars }) => [title, ...topics, ...exemplars]);
    const hasFallback = rules.some(({ name }) => name === DOMAIN_DEFAULTS.fallback);
    this.#window = window;
    this.anchors = new Anchors(ownTexts, window, hasFallback ? LEFTOVERS : []);
    const rowOf = (text: string) => this.anchors.indexOf(text);
    this.#domains = texts.map(({ name, title, topics, exemplars }) => ({
      name,
      title: rowOf(title),
      topics: topics.map(rowOf),
      exemplars: exemplars.map(rowOf),
    }));
  }

  /** scoresOf asks the encoder; call it before the evaluation's first await. */
  async scoresOf(
    text: string,
    inference: RequestInference,
  ): Promise<{ readonly scores: readonly SignalScore[]; readonly sampled: boolean }> {
    this.anchors.requireWarm();
    const { vector, sampled } = await inference.embed(text, this.#window);
    const cosines = this.anchors.similarities(vector);
    const leftover = (cosines[this.anchors.groupRow] ?? -1) - DOMAIN_DEFAULTS.leftoverHandicap;
    const scores = this.#domains.map((sides) => {
      const score = scoreOf(sides, cosines);
      return { rule: sides.name, score: sides.name === DOMAIN_DEFAULTS.fallback ? Math.max(score, leftover) : score };
    });
    return { scores, sampled };
  }
}

/** shares of the rules by their scores: about how often each is right. */
function shares(scores: readonly SignalScore[]): readonly number[] {
  const top = scores.reduce((best, { score }) => Math.max(best, score), -Infinity);
  const weights = scores.map(({ score }) => Math.exp((score - top) / DOMAIN_DEFAULTS.temperature));
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return weights.map((weight) => weight / sum);
}

/** How many of a domain's exemplars a text is compared with: those nearest to it. */
const NEAREST = 3;
/**
 * From so many exemplars on they alone say what the domain is: with them alone the nearest three name 92 % of BANKING77's 77 intents
 * (514 held-back texts; 82 % with the name as a second side, 72 % with the mean of all exemplars and the name) and 90 % of CLINC150's.
 */
const MANY_EXEMPLARS = 8;

/** scoreOf is the mean over the sides a domain has: name, nearest topic, nearest exemplars. */
function scoreOf({ title, topics, exemplars }: Sides<number>, cosines: Float32Array): number {
  if (exemplars.length >= MANY_EXEMPLARS) return nearestMean(exemplars, cosines);
  let sum = cosines[title] ?? 0;
  let sides = 1;
  if (topics.length > 0) {
    sum += topics.reduce((best, row) => Math.max(best, cosines[row] ?? -1), -1);
    sides += 1;
  }
  if (exemplars.length > 0) {
    sum += nearestMean(exemplars, cosines);
    sides += 1;
  }
  return sum / sides;
}

/** nearestMean is the mean of the NEAREST best cosines. */
function nearestMean(rows: readonly number[], cosines: Float32Array): number {
  const best = new Float32Array(Math.min(NEAREST, rows.length)).fill(-1);
  for (const row of rows) {
    const cosine = cosines[row] ?? -1;
    // `best` is kept in ascending order; what is nearer than its first takes that place and moves up.
    if (cosine <= (best[0] as number)) continue;
    best[0] = cosine;
    best.sort();
  }
  return best.reduce((sum, cosine) => sum + cosine, 0) / best.length;
}

/** judgeDescribed turns scores into the one domain found, under its own name and under every name that stands for it. */
function judgeDescribed(scores: readonly SignalScore[], rules: readonly Rule[]): Pick<SignalEvaluation, "matches"> {
  const { fallback, floor } = DOMAIN_DEFAULTS;
  const best = scores.reduce<SignalScore | null>((best, score) => (best === null || score.score > best.score ? score : best), null);
  if (best === null) return { matches: [] };
  const found = best.score >= floor ? best.rule : fallback;
  const share = Math.max(...shares(scores));
  // What falls to the fallback is as sure as the winner was unsure.
  const confidence = found === best.rule ? share : 1 - share;
  return {
    matches: rulesOf(found, rules).map((rule) => ({
      rule: rule.name,
      confidence,
      value: scores.find((score) => score.rule === rule.name)?.score ?? best.score,
    })),
  };
}
