import { createRandom, seedOf } from "./random.ts";

/**
 * What the simulated model says, and how it counts tokens. Pure. Tokens are words and punctuation marks with the blanks before
 * them: joined, they are the text again.
 */

/** Nothing in here is read by the router: the sentences only fill answers. */
const SENTENCES = [
  "The harbour was quiet, and a single lamp burned at the end of the pier.",
  "A good map leaves out more than it shows.",
  "By noon the fog had lifted and the ferry was running again.",
  "She folded the letter twice and put it back into the drawer.",
  "Every bridge in this town has a story, and most of them are about floods.",
  "The old clock loses four minutes a week, which nobody minds.",
  "They planted apple trees along the road, one for each child in the school.",
  "Rain is expected in the evening, so the market will close early.",
  "The tailor measured everything three times and cut once.",
  "On the third day the snow stopped and the pass was open.",
  "A kettle, two cups and a window to the west: nothing else was needed.",
  "The signal at the junction turned green and the night train moved off slowly.",
];

/** tokensOf splits a text into tokens; their concatenation is the text. */
export function tokensOf(text: string): string[] {
  return text.match(/\s*(?:[\p{L}\p{M}\p{N}_]+|[^\p{L}\p{M}\p{N}_\s])|\s+$/gu) ?? [];
}

/** Generated is an answer before it is sent. */
export interface Generated {
  readonly tokens: readonly string[];
  readonly finishReason: "stop" | "length";
}

/** generate answers a prompt. In random mode the answer depends on the seed, the model and the prompt alone. */
export function generate(mode: "echo" | "random", prompt: string, model: string, seed: number, maxTokens: number | null): Generated {
  const tokens = tokensOf(mode === "echo" ? prompt : randomText(seedOf(`${model}\n${prompt}`, seed)));
  if (maxTokens === null || tokens.length <= maxTokens) return { tokens, finishReason: "stop" };
  return { tokens: tokens.slice(0, maxTokens), finishReason: "length" };
}

function randomText(seed: number): string {
  const random = createRandom(seed);
  const count = 2 + Math.floor(random() * 3);
  const left = [...SENTENCES];
  const chosen: string[] = [];
  for (let i = 0; i < count; i++) chosen.push(...left.splice(Math.floor(random() * left.length), 1));
  return chosen.join(" ");
}
