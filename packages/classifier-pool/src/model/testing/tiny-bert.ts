/** A random BERT of a few kilobytes with its tokenizer, for tests: the real formats, no real weights. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** TinyBert is a checkpoint as files would hold it. */
export interface TinyBert {
  readonly config: Readonly<Record<string, unknown>>;
  readonly tokenizer: unknown;
  readonly tensors: ReadonlyMap<string, { readonly shape: readonly number[]; readonly values: Float32Array }>;
}

const HIDDEN = 32;
const INTERMEDIATE = 64;
const POSITIONS = 128;
const LAYERS = 2;

/** tinyBert makes a checkpoint from a seed; `prefix` goes before each tensor's name, as in checkpoints with a head. */
export function tinyBert(seed: number, prefix = ""): TinyBert {
  const vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", ...characters(33, 127), ...characters(33, 127).map((letter) => `##${letter}`)];
  const normal = gaussian(seed);
  const tensors = new Map<string, { shape: number[]; values: Float32Array }>();
  const add = (name: string, shape: number[], deviation: number, mean = 0) => {
    const size = shape.reduce((product, length) => product * length, 1);
    tensors.set(prefix + name, { shape, values: Float32Array.from({ length: size }, () => mean + deviation * normal()) });
  };
  const norm = (name: string) => {
    add(`${name}.weight`, [HIDDEN], 0.1, 1);
    add(`${name}.bias`, [HIDDEN], 0.1);
  };
  const linear = (name: string, outputs: number, inputs: number) => {
    add(`${name}.weight`, [outputs, inputs], 0.2);
    add(`${name}.bias`, [outputs], 0.1);
  };
  add("embeddings.word_embeddings.weight", [vocabulary.length, HIDDEN], 0.5);
  add("embeddings.position_embeddings.weight", [POSITIONS, HIDDEN], 0.1);
  add("embeddings.token_type_embeddings.weight", [2, HIDDEN], 0.1);
  norm("embeddings.LayerNorm");
  for (let layer = 0; layer < LAYERS; layer++) {
    const at = `encoder.layer.${layer}`;
    for (const name of ["query", "key", "value"]) linear(`${at}.attention.self.${name}`, HIDDEN, HIDDEN);
    linear(`${at}.attention.output.dense`, HIDDEN, HIDDEN);
    norm(`${at}.attention.output.LayerNorm`);
    linear(`${at}.intermediate.dense`, INTERMEDIATE, HIDDEN);
    linear(`${at}.output.dense`, HIDDEN, INTERMEDIATE);
    norm(`${at}.output.LayerNorm`);
  }
  const config = {
    model_type: "bert",
    hidden_act: "gelu",
    num_hidden_layers: LAYERS,
    num_attention_heads: 4,
    hidden_size: HIDDEN,
    intermediate_size: INTERMEDIATE,
    vocab_size: vocabulary.length,
    max_position_embeddings: POSITIONS,
    type_vocab_size: 2,
    layer_norm_eps: 1e-12,
  };
  return { config, tokenizer: wordPiece(vocabulary), tensors };
}

/** writeCheckpoint writes the three files of a checkpoint. */
export async function writeCheckpoint(directory: string, { config, tokenizer, tensors }: TinyBert): Promise<void> {
  await mkdir(directory, { recursive: true });
  await Promise.all([
    writeFile(join(directory, "config.json"), JSON.stringify(config)),
    writeFile(join(directory, "tokenizer.json"), JSON.stringify(tokenizer)),
    writeFile(join(directory, "model.safetensors"), encodeSafetensors(tensors)),
  ]);
}

/** encodeSafetensors writes float32 tensors in the safetensors format. */
export function encodeSafetensors(tensors: TinyBert["tensors"]): Uint8Array {
  const header: Record<string, unknown> = { __metadata__: { format: "pt" } };
  let end = 0;
  for (const [name, { shape, values }] of tensors) {
    header[name] = { dtype: "F32", shape, data_offsets: [end, end + values.byteLength] };
    end += values.byteLength;
  }
  const blobs = Array.from(tensors.values(), ({ values }) => new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  return safetensorsFile(header, Buffer.concat(blobs));
}

/** safetensorsFile puts a header, honest or not, before data. */
export function safetensorsFile(header: unknown, data: Uint8Array): Uint8Array {
  const text = Buffer.from(typeof header === "string" ? header : JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.byteLength));
  return Buffer.concat([length, text, data]);
}

/** seededRandom is mulberry32: uniform in 0..1, the same for the same seed everywhere. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function gaussian(seed: number): () => number {
  const uniform = seededRandom(seed);
  return () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
}

function characters(from: number, to: number): string[] {
  return Array.from({ length: to - from }, (_, index) => String.fromCharCode(from + index).toLowerCase()).filter(
    (letter, index, all) => all.indexOf(letter) === index,
  );
}

/** wordPiece is a tokenizer.json with BERT's special tokens at 0 to 3. */
export function wordPiece(vocabulary: readonly string[]): object {
  const special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"];
  return {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: special.map((content, id) => ({
      id,
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: true,
    })),
    normalizer: { type: "BertNormalizer", clean_text: true, handle_chinese_chars: true, strip_accents: null, lowercase: true },
    pre_tokenizer: { type: "BertPreTokenizer" },
    post_processor: {
      type: "TemplateProcessing",
      single: [
        { SpecialToken: { id: "[CLS]", type_id: 0 } },
        { Sequence: { id: "A", type_id: 0 } },
        { SpecialToken: { id: "[SEP]", type_id: 0 } },
      ],
      pair: [],
      special_tokens: {
        "[CLS]": { id: "[CLS]", ids: [2], tokens: ["[CLS]"] },
        "[SEP]": { id: "[SEP]", ids: [3], tokens: ["[SEP]"] },
      },
    },
    decoder: { type: "WordPiece", prefix: "##", cleanup: true },
    model: {
      type: "WordPiece",
      unk_token: "[UNK]",
      continuing_subword_prefix: "##",
      max_input_chars_per_word: 100,
      vocab: Object.fromEntries(vocabulary.map((token, id) => [token, id])),
    },
  };
}
