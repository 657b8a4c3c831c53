/**
 * The pool's vectors against those of `@huggingface/transformers`, the library that people would use instead: texts in, vectors
 * out, through worker threads and in batches with random neighbours. Needs the prepared all-MiniLM-L6-v2 in both variants; where
 * they are absent the suite is skipped by name, except under CI.
 */
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Classifier, InferenceItem, TextEmbedding, TextWindow } from "@turnout/shared";
import type { ModelVariant } from "./model/manifest.ts";
import { defaultModel, defaultModelsDirectory, loadManifest, modelDirectory } from "./model/prepare/index.ts";
import { cosine } from "./model/testing/graph-session.ts";
import { seededRandom } from "./model/testing/tiny-bert.ts";
import { openOracle, type Oracle } from "./model/testing/transformers-oracle.ts";
import { createClassifierPool } from "./pool.ts";
import { createTokenizer, loadVocabulary, type TextTokenizer } from "./tokens/tokenizer.ts";
import { excerpt } from "./tokens/window.ts";

const random = seededRandom(29);
const below = (limit: number) => Math.floor(random() * limit);
const words =
  "the old harbour office keeps ledgers about ropes, barrels and unpredictable weather; clerks re-read antediluvian invoices while gulls argue (loudly) over 17 crates of marmalade.".split(
    " ",
  );
const prose = (count: number) => Array.from({ length: count }, () => words[below(words.length)]).join(" ");

/** The corpus by kind. Texts of more tokens than a window are cut by both sides to the same beginning. */
const corpus: Readonly<Record<string, readonly string[]>> = {
  "next to nothing": ["", " ", "\n\t \r\n", "\u200b", "\u0000", ".", "?!", "a", "Z", "7"],
  "short prompts": [
    "ok",
    "good morning",
    "Who repairs accordions in Lisbon?",
    "Draft a polite refusal to a wedding invitation.",
    "what's the cheapest way to ship a piano overseas",
    "SHOUTING DOES NOT MAKE THE PRINTER WORK",
    "Compare term life insurance with whole life insurance for a family of five.",
    "List three side effects of ibuprofen and when to see a doctor.",
    "My landlord kept the deposit; which court do I go to, and by when?",
    "Antidisestablishmentarianism, floccinaucinihilipilification, pneumonoultramicroscopicsilicovolcanoconiosis",
  ],
  "numbers and marks": [
    "3.14159 * 2e-10 >= -0.5 && 1,234,567.89 != 0x7F",
    "2024-02-29T23:59:59.999+05:30",
    "$12.50 \u20ac9,99 \u00a37 \u00a5800 \u20b9450",
    "a_b-c/d\\e|f~g`h^i",
    "\u201cCurly\u201d \u2018quotes\u2019 \u2014 dashes \u2013 and\u2026 dots",
    "\u222b\u2080\u00b9 x\u00b2 dx \u2248 \u2153, \u2200\u03b5>0 \u2203\u03b4",
  ],
  code: [
    "for (let i = 0; i < rows.length; i++) {\n  total += rows[i].price * 1.19; // VAT\n}",
    "def mean(xs):\n    return sum(xs) / len(xs) if xs else float('nan')\n",
    "SELECT name, COUNT(*) FROM orders WHERE paid_at >= '2023-01-01' GROUP BY 1 HAVING COUNT(*) > 3;",
    '{"model":"auto","messages":[{"role":"user","content":"h\\u00e9llo"}],"stream":true}',
    "<div class='card' data-id=\"42\"><p>&lt;escaped&gt; &amp; raw</p></div>",
    "#!/bin/sh\nset -eu; grep -rnE '^[A-Z_]+=' .env | awk -F: '{print $3}' | sort -u",
    "fn longest<'a>(x: &'a str, y: &'a str) -> &'a str { if x.len() > y.len() { x } else { y } }",
    "Traceback (most recent call last):\n  File \"app.py\", line 7, in <module>\nKeyError: 'id'",
    "https://example.org:8443/a/b%20c?q=r%C3%A9sum%C3%A9&page=2#top mailto:clerk@example.org",
  ],
  "Latin with marks": [
    "\u00bfD\u00f3nde queda la ferreter\u00eda m\u00e1s cercana?",
    "Cr\u00e8me br\u00fbl\u00e9e na\u00efve fa\u00e7ade \u0153uvre",
    "Stra\u00dfenbahnhaltestelle \u00dcbergr\u00f6\u00dfe",
    "Za\u017c\u00f3\u0142\u0107 g\u0119\u015bl\u0105 ja\u017a\u0144",
    "e\u0301 versus \u00e9, n\u0303 versus \u00f1, A\u030a versus \u00c5",
    "\u0130stanbul \u0131\u015f\u0131k, Ti\u1ebfng Vi\u1ec7t c\u00f3 d\u1ea5u",
    "\uff26\uff55\uff4c\uff4c\uff57\uff49\uff44\uff54\uff48 \ufb01ne \u2167",
  ],
  "other scripts": [
    "\u0413\u0434\u0435 \u043a\u0443\u043f\u0438\u0442\u044c \u0431\u0438\u043b\u0435\u0442 \u043d\u0430 \u043f\u043e\u0435\u0437\u0434? \u0401\u043b\u043a\u0430 \u0439\u043e\u0434",
    "\u03a0\u03bf\u03cd \u03b5\u03af\u03bd\u03b1\u03b9 \u03b7 \u03b2\u03b9\u03b2\u03bb\u03b9\u03bf\u03b8\u03ae\u03ba\u03b7; \u039f\u0394\u039f\u03a3",
    "\u0623\u064a\u0646 \u0627\u0644\u0645\u064e\u0643\u0652\u062a\u064e\u0628\u064e\u0629\u061f",
    "\u05e9\u05b8\u05c1\u05dc\u05d5\u05b9\u05dd \u05e2\u05d5\u05dc\u05dd",
    "\u092a\u0941\u0938\u094d\u0924\u0915\u093e\u0932\u092f \u0915\u0939\u093e\u0901 \u0939\u0948\u0964",
    "\u0e2b\u0e49\u0e2d\u0e07\u0e2a\u0e21\u0e38\u0e14\u0e2d\u0e22\u0e39\u0e48\u0e17\u0e35\u0e48\u0e44\u0e2b\u0e19",
  ],
  CJK: [
    "\u56fe\u4e66\u9986\u51e0\u70b9\u5173\u95e8\uff1f",
    "\u8acb\u7528\u7e41\u9ad4\u4e2d\u6587\u56de\u7b54\uff0c\u8b1d\u8b1d\u3002",
    "\u56f3\u66f8\u9928\u306f\u4f55\u6642\u306b\u9589\u307e\u308a\u307e\u3059\u304b\u3002",
    "\u30ab\u30bf\u30ab\u30ca\u3068\uff76\uff80\uff76\uff85\u3068\u3072\u3089\u304c\u306a",
    "\ub3c4\uc11c\uad00\uc740 \uba87 \uc2dc\uc5d0 \ub2eb\uc544\uc694?",
    "mixed \u6df7\u5408 text \u3068 English \ub2e8\uc5b4 2\u500d",
    "\u{20bb7}\u{2a6d6} beyond the basic plane",
  ],
  emoji: [
    "\u{1f680}",
    "great job \u{1f44d}\u{1f3fd}\u{1f389} see you \u{1f44b}",
    "\u{1f469}\u200d\u{1f52c} \u{1f468}\u200d\u{1f469}\u200d\u{1f467} \u{1f1ef}\u{1f1f5} \u2764\ufe0f",
    ":-) \u00af\\_(\u30c4)_/\u00af \u2603",
  ],
  "what a tokenizer trips over": [
    "[MASK] between [CLS] and [SEP]",
    "[mask] [ SEP ] ##ing ##",
    "[PAD][PAD] padded [UNK]",
    "x".repeat(99),
    "x".repeat(101),
    "a\u00a0b\u2009c\u3000d\u0085e\u2028f\ufeffg",
    "bell\u0007 and\u0000null and\ufffdreplacement and\u00adhyphen",
    "lone \ud83d surrogate",
    `${" ".repeat(60)}wide margins${"\n".repeat(40)}below`,
  ],
  "long texts": [
    prose(90),
    prose(125),
    prose(160),
    prose(300),
    `${prose(60)}. ${"\u6f22\u5b57\u304b\u306a".repeat(30)} ${prose(60)}`,
    "const price = items.map((item) => item.net * (1 + item.vat));\n".repeat(12),
    "supercalifragilisticexpialidocious ".repeat(30),
    "\u043f\u0440\u0438\u0432\u0435\u0442 ".repeat(60),
  ],
};

const head = (maxTokens: number): TextWindow => ({ maxTokens, sampling: "head" });
const usual = head(128);
/** As many tokens as the encoder has positions for. */
const widest = head(512);
/** Characters of a word; longer ones are one unknown token. */
const LONGEST_WORD = 100;

const variants = [
  { variant: "fp32", atLeast: 0.999_99 },
  { variant: "int8", atLeast: 0.99 },
] as const;

const directory = (variant: ModelVariant) => modelDirectory(defaultModelsDirectory(), defaultModel, variant);
const prepared = await Promise.all(variants.map(({ variant }) => loadManifest(directory(variant)).catch(() => null)));
const present = process.env.CI !== undefined || prepared.every((manifest) => manifest !== null);
const commands = variants.map(({ variant }) => `pnpm turnout models prepare ${defaultModel} --variant ${variant}`);
const how = present ? "" : ` (skipped: run ${commands.join(" && ")})`;

/** Case is one text in one window: what transformers.js says of it, and what each side reads. */
interface Case {
  readonly kind: string;
  readonly item: InferenceItem;
  readonly expected: Float32Array;
  readonly expectedIds: readonly number[];
  readonly ids: readonly number[];
}

describe.skipIf(!present)(`transformers.js and the pool with ${defaultModel}${how}`, () => {
  let oracle: Oracle;
  let tokenizer: TextTokenizer;
  const cases: Case[] = [];
  const pools: Classifier[] = [];

  beforeAll(async () => {
    oracle = await openOracle(directory("fp32"));
    const manifest = await loadManifest(directory("int8"));
    tokenizer = createTokenizer(await loadVocabulary(join(directory("int8"), manifest.tokenizer)), manifest.maxTokens);
    for (const [kind, texts] of Object.entries(corpus)) {
      for (const text of texts) {
        cases.push(await readCase(kind, { text, window: usual }));
        if (cut(text, usual)) cases.push(await readCase(kind, { text, window: widest }));
      }
    }
  });
  afterAll(async () => {
    await Promise.all([oracle?.close(), ...pools.map((pool) => pool.close())]);
  });

  const cut = (text: string, window: TextWindow) => oracle.tokenize(text).length > window.maxTokens;
  const idsInPool = ({ text, window }: InferenceItem) => tokenizer.tokenize({ parts: excerpt(text, window).parts, window }).ids;

  /** Of a text too long transformers.js gets what fills the window: left to cut by itself, it cuts the closing special token away. */
  async function readCase(kind: string, item: InferenceItem): Promise<Case> {
    const text = cut(item.text, item.window) ? longestBeginning(item.text, item.window.maxTokens, oracle) : item.text;
    return { kind, item, expected: await oracle.embed(text), expectedIds: oracle.tokenize(text), ids: idsInPool(item) };
  }

  it("read the same tokens", () => {
    expect(cases.length).toBeGreaterThan(80);
    for (const { item, expectedIds, ids } of cases) expect({ item, ids }).toEqual({ item, ids: expectedIds });
  });

  it("read different tokens where a text is nearly all white space: the pool looks at twelve characters per token", () => {
    const text = `begin${" ".repeat(12 * usual.maxTokens)}end`;
    const [whole, begin] = [oracle.tokenize(text), oracle.tokenize("begin")];
    expect(whole).toHaveLength(4);
    expect(idsInPool({ text, window: usual })).toEqual(begin);
  });

  it.each(variants)("give the same vectors in $variant, whatever the neighbours", async ({ variant, atLeast }) => {
    const pool = createClassifierPool({ modelDirectory: directory(variant), workers: 2, maxBatchTokens: 1024 });
    pools.push(pool);
    expect(await pool.whenSettled()).toMatchObject({ state: "ready" });
    const items = cases.map(({ item }) => item);
    const embeddings = await embedAmongNeighbours(pool, items);
    expect(embeddings.filter(({ timings }) => timings.batchSize > 1).length).toBeGreaterThan(cases.length / 2);

    const agreements = cases.map(({ kind, item, expected }, index) => {
      const { vector } = embeddings[index]!;
      return {
        kind,
        text: item.text.slice(0, 60),
        maxTokens: item.window.maxTokens,
        cosine: cosine(vector, expected),
        length: Math.hypot(...vector),
      };
    });
    const agree = (agreement: { cosine: number; length: number }) => agreement.cosine >= atLeast && Math.abs(agreement.length - 1) < 1e-5;
    expect(agreements.filter((agreement) => !agree(agreement))).toEqual([]);
  });
});

/** longestBeginning is the most of a text that transformers.js reads as at most `maxTokens` tokens. */
function longestBeginning(text: string, maxTokens: number, oracle: Oracle): string {
  const fits = (end: number) => oracle.tokenize(text.slice(0, end)).length <= maxTokens;
  let [low, high] = [0, text.length + 1];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (fits(middle)) low = middle;
    else high = middle;
  }
  // Half a word may have more tokens than all of it: what begins to be too long can fit again until the word ends.
  let end = Math.min(text.length, low + LONGEST_WORD);
  while (!fits(end)) end -= 1;
  return text.slice(0, end);
}

/** embedAmongNeighbours asks for the items in random order, each in a submission of its own with up to three random texts. */
async function embedAmongNeighbours(pool: Classifier, items: readonly InferenceItem[]): Promise<TextEmbedding[]> {
  const order = items.map((_, index) => ({ index, at: random() })).sort((a, b) => a.at - b.at);
  const embeddings: TextEmbedding[] = [];
  await Promise.all(
    order.map(async ({ index }) => {
      const neighbours = Array.from({ length: below(4) }, () => ({ text: prose(1 + below(30)), window: usual }));
      embeddings[index] = (await pool.embed([items[index]!, ...neighbours], {}))[0]!;
    }),
  );
  return embeddings;
}
