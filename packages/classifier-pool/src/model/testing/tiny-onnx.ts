/** Random published models of a few kilobytes, for tests: a graph of each kind, a tokenizer.json of each kind, and what a graph must give. */
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { encodeOnnxModel, OnnxGraph } from "../prepare/onnx-model.ts";
import { seededRandom, wordPiece } from "./tiny-bert.ts";

export const width = 8;
const words = 64;
const positions = 64;
const float = 1;

/** TinyGraph says what a graph is like. */
export interface TinyGraph {
  readonly inputs?: readonly string[];
  readonly inputType?: "int64" | "int32";
  /** Token vectors, unit vectors pooled by the mean, logits per text, or logits per token. */
  readonly kind?: "tokens" | "pooled" | "logits" | "token-logits";
  readonly output?: string;
  /** Which of the three labels a "token-logits" graph gives to a token; without it the logits are random. */
  readonly labelOf?: (id: number) => number;
  /** "scale": one rounding scale for everything in the batch, as stock dynamic int8 has. "mask": padding counts. */
  readonly flaw?: "scale" | "mask";
}

const random = seededRandom(7);
const floats = (count: number) => Float32Array.from({ length: count }, () => 2 * random() - 1);
const weights = { words: floats(words * width), positions: floats(positions * width), labels: floats(width * 3) };

/** tinyGraph gives the bytes of a model.onnx. */
export function tinyGraph({
  inputs = ["input_ids", "attention_mask"],
  inputType = "int64",
  kind = "tokens",
  output,
  labelOf,
  flaw,
}: TinyGraph = {}): Promise<Uint8Array> {
  const table = labelOf === undefined ? weights : labelled(labelOf);
  const defaults = { tokens: "last_hidden_state", pooled: "sentence_embedding", logits: "logits", "token-logits": "logits" };
  const name = output ?? defaults[kind];
  const perText = kind === "pooled" || kind === "logits";
  const last = kind === "logits" || kind === "token-logits" ? 3 : width;
  const graph = new OnnxGraph(
    inputs.map((input) => ({ name: input, type: inputType, dims: ["batch", "sequence"] })),
    [{ name, type: "float", dims: perText ? ["batch", last] : ["batch", "sequence", last] }],
  );
  const keep = { attributes: { keepdims: { int: 1 } } };
  let x = graph.node("Gather", [graph.weight("words", [words, width], table.words), "input_ids"]);
  if (inputs.includes("position_ids")) {
    x = graph.node("Add", [x, graph.node("Gather", [graph.weight("positions", [positions, width], weights.positions), "position_ids"])]);
  }
  if (inputs.includes("token_type_ids")) {
    // Any segment but 0 would show.
    x = graph.node("Add", [
      x,
      graph.node("Unsqueeze", [graph.node("Cast", ["token_type_ids"], { attributes: { to: { int: float } } }), graph.int64s(-1)]),
    ]);
  }
  if (flaw === "mask") x = graph.node("Add", [x, graph.node("ReduceMean", [x, graph.int64s(1)], keep)]);
  if (flaw === "scale") {
    const steps = graph.node("Div", [graph.scalar(3), graph.node("ReduceMax", [graph.node("Abs", [x])], keep)]);
    x = graph.node("Div", [graph.node("Round", [graph.node("Mul", [x, steps])]), steps]);
  }
  if (perText) {
    const mask = graph.node("Unsqueeze", [
      graph.node("Cast", ["attention_mask"], { attributes: { to: { int: float } } }),
      graph.int64s(-1),
    ]);
    const sum = graph.node("ReduceSum", [graph.node("Mul", [x, mask]), graph.int64s(1)], { attributes: { keepdims: { int: 0 } } });
    x = kind === "pooled" ? graph.node("Div", [sum, graph.node("ReduceL2", [sum, graph.int64s(-1)], keep)]) : sum;
  }
  if (last === 3) x = graph.node("MatMul", [x, graph.weight("labels", [width, 3], table.labels)]);
  graph.node("Identity", [x], { output: name });
  return encodeOnnxModel(graph);
}

/** A token's vector has a 1 at its label, and the label's logit is ten times that. */
function labelled(labelOf: (id: number) => number): Pick<typeof weights, "words" | "labels"> {
  const table = { words: new Float32Array(words * width), labels: new Float32Array(width * 3) };
  for (let id = 0; id < words; id += 1) table.words[id * width + labelOf(id)] = 1;
  for (let label = 0; label < 3; label += 1) table.labels[label * 3 + label] = 10;
  return table;
}

/** tokenVectors is what a "tokens" graph without flaws gives for one text. */
export function tokenVectors(ids: readonly number[], withPositions = false): number[][] {
  return ids.map((id, place) =>
    Array.from(
      { length: width },
      (_, at) => weights.words[id * width + at]! + (withPositions ? weights.positions[place * width + at]! : 0),
    ),
  );
}

/** textLogits is what a "logits" graph gives for one text. */
export function textLogits(ids: readonly number[]): number[] {
  const sum = Array.from({ length: width }, (_, at) => tokenVectors(ids).reduce((total, vector) => total + vector[at]!, 0));
  return [0, 1, 2].map((label) => sum.reduce((total, value, at) => total + value * weights.labels[at * 3 + label]!, 0));
}

const letters = [..."abcdefghijklmnopqrstuvwxyz"];
const special = (content: string, id: number) => ({
  id,
  content,
  single_word: false,
  lstrip: false,
  rstrip: false,
  normalized: false,
  special: true,
});
const template = (before: readonly [string, number][], after: readonly [string, number][]) => ({
  type: "TemplateProcessing",
  single: [
    ...before.map(([id]) => ({ SpecialToken: { id, type_id: 0 } })),
    { Sequence: { id: "A", type_id: 0 } },
    ...after.map(([id]) => ({ SpecialToken: { id, type_id: 0 } })),
  ],
  pair: [],
  special_tokens: Object.fromEntries([...before, ...after].map(([token, id]) => [token, { id: token, ids: [id], tokens: [token] }])),
});
const ids = (tokens: readonly string[]) => Object.fromEntries(tokens.map((token, id) => [token, id]));

/** tokenizers has a tokenizer.json of each model type, with 26 letters and few joined pieces. */
export const tokenizers = {
  /** [CLS] 2, [SEP] 3, then letters, then letters inside of words. */
  WordPiece: wordPiece(["[PAD]", "[UNK]", "[CLS]", "[SEP]", ...letters, ...letters.map((letter) => `##${letter}`)]),
  /** As GPT-2 splits: a space belongs to the word behind it. <s> 0, </s> 2. */
  BPE: {
    version: "1.0",
    added_tokens: ["<s>", "<pad>", "</s>", "<unk>"].map(special),
    normalizer: null,
    pre_tokenizer: { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: true },
    post_processor: template([["<s>", 0]], [["</s>", 2]]),
    decoder: { type: "ByteLevel" },
    model: {
      type: "BPE",
      unk_token: "<unk>",
      vocab: ids(["<s>", "<pad>", "</s>", "<unk>", ...letters, "Ġ", "ab", "Ġc"]),
      merges: [
        ["a", "b"],
        ["Ġ", "c"],
      ],
    },
  },
  /** As SentencePiece splits: the best sequence of pieces by score. </s> 1, nothing before. */
  Unigram: {
    version: "1.0",
    added_tokens: ["<unk>", "</s>", "<pad>"].map(special),
    normalizer: null,
    pre_tokenizer: { type: "Metaspace", replacement: "▁", prepend_scheme: "always", split: true },
    post_processor: template([], [["</s>", 1]]),
    decoder: { type: "Metaspace", replacement: "▁", prepend_scheme: "always" },
    model: {
      type: "Unigram",
      unk_id: 0,
      vocab: [["<unk>", 0], ["</s>", 0], ["<pad>", 0], ["▁", -3], ...letters.map((letter) => [letter, -5]), ["▁ab", -2], ["cd", -4]],
    },
  },
} as const;

/** writePublished lays a model out as its publisher would; objects are written as JSON. */
export async function writePublished(directory: string, files: Readonly<Record<string, unknown>>): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(directory, path)), { recursive: true });
    await writeFile(join(directory, path), content instanceof Uint8Array ? content : JSON.stringify(content));
  }
}
