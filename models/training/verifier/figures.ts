/**
 * Prints how the verifier that is shipped does, as text or (--json) as JSON: what it serves of equal and of different pairs, at its threshold
 * and along the curve, on the development and test sets and on each training author left out of training. Changes nothing.
 *
 *     node --conditions=source models/training/verifier/figures.ts [--json]
 */
import { loadWeights } from "../../../packages/cache/src/verifier/weights.ts";
import type { Trees } from "../../../packages/cache/src/verifier/trees.ts";
import { trainTrees } from "./boosting.ts";
import { exampleOf, type Example } from "./examples.ts";
import { measured, readPairs, type Pair } from "./pairs.ts";
import { AUTHORS, rewrittenPairs, rowsOf, scoreOfExample } from "./train.ts";

const GATES = [0.7, 0.75, 0.8, 0.85, 0.9] as const;
/** Shares of different pairs served, for the curve. */
const ALLOWED = [0.0025, 0.005, 0.01, 0.02, 0.03, 0.05] as const;

/** Share is a count, of how many, and Wilson's 95 % interval. */
interface Share {
  readonly count: number;
  readonly of: number;
  readonly low: number;
  readonly high: number;
}

interface Figures {
  readonly set: string;
  readonly atThreshold: readonly { readonly cosine: number; readonly equal: Share; readonly different: Share; readonly precision: Share }[];
  readonly identical: { readonly equal: Share; readonly different: Share };
  readonly guarded: { readonly equal: Share; readonly different: Share };
  readonly curve: readonly { readonly different: Share; readonly equal: Share; readonly score: number }[];
}

function share(count: number, of: number): Share {
  const z = 1.96;
  const p = of === 0 ? 0 : count / of;
  const middle = (p + z ** 2 / (2 * of)) / (1 + z ** 2 / of);
  const half = (z / (1 + z ** 2 / of)) * Math.sqrt((p * (1 - p)) / of + z ** 2 / (4 * of ** 2));
  return of === 0 ? { count, of, low: 0, high: 1 } : { count, of, low: middle - half, high: middle + half };
}

function figuresOf(set: string, examples: readonly Example[], trees: Trees, score: number): Figures {
  const [different, equal] = [0, 1].map((label) => examples.filter((example) => example.label === label)) as [Example[], Example[]];
  const served = (list: readonly Example[], cosine: number, least: number) =>
    list.filter((example) => example.cosine >= cosine && scoreOfExample(example, trees, cosine) >= least).length;
  const count = (list: readonly Example[], is: (example: Example) => boolean) => share(list.filter(is).length, list.length);
  const least = GATES[0];
  const wrong = different
    .map((example) => (example.cosine >= least ? scoreOfExample(example, trees, least) : -Infinity))
    .toSorted((a, b) => b - a);
  return {
    set,
    atThreshold: GATES.map((cosine) => {
      const [right, false_] = [served(equal, cosine, score), served(different, cosine, score)];
      return {
        cosine,
        equal: share(right, equal.length),
        different: share(false_, different.length),
        precision: share(right, right + false_),
      };
    }),
    identical: { equal: count(equal, ({ kind }) => kind === "identical"), different: count(different, ({ kind }) => kind === "identical") },
    guarded: {
      equal: count(equal, (example) => example.kind === "judged" && example.guard !== null),
      different: count(different, (example) => example.kind === "judged" && example.guard !== null),
    },
    curve: ALLOWED.map((allowed) => {
      const at = Math.max(-50, wrong[Math.floor(allowed * wrong.length)] ?? -50) + 1e-6;
      return {
        different: share(served(different, least, at), different.length),
        equal: share(served(equal, least, at), equal.length),
        score: at,
      };
    }),
  };
}

const print = (line: string) => process.stdout.write(`${line}\n`);

const percent = ({ count, of, low, high }: Share) =>
  `${((100 * count) / Math.max(1, of)).toFixed(1)} % (${count}/${of}; ${(100 * low).toFixed(1)}-${(100 * high).toFixed(1)})`;

if (import.meta.main) {
  const progress = () => undefined;
  const { trees, calibration, threshold, lexicon } = loadWeights();
  const score = (Math.log(threshold / (1 - threshold)) - calibration.offset) / calibration.scale;
  const examples = async (list: readonly Pair[]) => (await measured(list, progress)).map((pair) => exampleOf(pair, lexicon));
  const all: Figures[] = [];
  for (const set of ["dev.jsonl", "test.jsonl"]) all.push(figuresOf(set, await examples(readPairs(set)), trees, score));
  const natural = await examples(readPairs("natural.jsonl"));
  for (const author of AUTHORS) {
    const others = AUTHORS.filter((other) => other !== author).flatMap(readPairs);
    const rows = rowsOf(await examples(others), await examples(rewrittenPairs(others)), natural);
    all.push(figuresOf(`${author} left out`, await examples(readPairs(author)), trainTrees(rows), score));
  }
  if (process.argv.includes("--json")) print(JSON.stringify(all, null, 2));
  else {
    print(`threshold ${threshold} (score ${score.toFixed(2)})`);
    for (const { set, atThreshold, identical, guarded, curve } of all) {
      print(`\n${set}`);
      print(`  identical: equal ${percent(identical.equal)}, different ${percent(identical.different)}`);
      print(`  guarded:   equal ${percent(guarded.equal)}, different ${percent(guarded.different)}`);
      for (const { cosine, equal, different, precision } of atThreshold) {
        print(
          `  cosine ≥ ${cosine}: equal served ${percent(equal)}, different served ${percent(different)}, precision ${percent(precision)}`,
        );
      }
      for (const { equal, different, score: at } of curve)
        print(`  curve, score ≥ ${at.toFixed(2)}: equal ${percent(equal)}, different ${percent(different)}`);
    }
  }
}
