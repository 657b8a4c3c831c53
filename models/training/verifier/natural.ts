/**
 * Finds pairs of real messages that lie near each other for the encoder and want different things: other intents of banking77 and clinc150.
 * Pairs that are written to look alike change one word; these are alike by chance, as most of what an index proposes is. What it found is
 * kept in data/pairs/natural.jsonl, so that training needs neither set.
 *
 *     node --conditions=source models/training/verifier/natural.ts banking77.train.jsonl clinc150.train.jsonl
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { encode } from "../encode.ts";
import { seeded, shuffle } from "../random.ts";
import { dot, pairsDirectory, type Pair } from "./pairs.ts";

const SETS = [
  { name: "banking77", texts: 3_000, cosine: 0.8 },
  { name: "clinc150", texts: 4_000, cosine: 0.7 },
] as const;

interface Message {
  readonly text: string;
  readonly label: string;
}

/** nearestOfOthers pairs each message with the nearest one of another intent; each pair is given once. */
async function nearestOfOthers(messages: readonly Message[], least: number, source: string): Promise<Pair[]> {
  const encoded = await encode(
    messages.map(({ text }) => text),
    (line) => process.stderr.write(`${line}\n`),
  );
  const pairs = new Map<string, Pair>();
  for (const [i, { text, label }] of messages.entries()) {
    let nearest = { at: -1, cosine: least };
    for (const [j, other] of messages.entries()) {
      if (label === other.label) continue;
      const cosine = dot(encoded.vector(i), encoded.vector(j));
      if (cosine >= nearest.cosine) nearest = { at: j, cosine };
    }
    const other = messages[nearest.at];
    if (other !== undefined) pairs.set([i, nearest.at].toSorted((a, b) => a - b).join(), { text, text2: other.text, label: 0, source });
  }
  return [...pairs.values()];
}

if (import.meta.main) {
  const lines: string[] = [];
  for (const [index, { name, texts, cosine }] of SETS.entries()) {
    const rows = readFileSync(process.argv[2 + index] as string, "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Message)
      .filter(({ label }) => label !== "oos");
    const order = Uint32Array.from(rows, (_, i) => i);
    shuffle(order, seeded(5));
    const taken = [...order.subarray(0, texts)].map((i) => rows[i] as Message);
    lines.push(...(await nearestOfOthers(taken, cosine, `natural/${name}`)).map((pair) => JSON.stringify(pair)));
  }
  writeFileSync(join(pairsDirectory, "natural.jsonl"), `${lines.join("\n")}\n`);
}
