/**
 * A prepared fp32 model as transformers.js would run it, for tests: its tokenizer, its mean pooling and its normalisation, one
 * text at a time. Of ours it has the encoder's layers alone: the graph is cut off behind them, and ONNX Runtime is told to run
 * what remains as it is written.
 */
import { constants } from "node:fs";
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import protobuf from "protobufjs";
import type { EncoderArchitecture } from "../manifest.ts";
import { loadManifest } from "../manifest.ts";

/** Oracle embeds texts of at most `maxTokens` tokens; nothing of it is shared with the pool. */
export interface Oracle {
  /** Ids of a text, special tokens included, however long it is. */
  tokenize(text: string): number[];
  embed(text: string): Promise<Float32Array>;
  close(): Promise<void>;
}

/** openOracle lays the model out in a temporary directory as transformers.js wants it, and loads it without any network. */
export async function openOracle(modelDirectory: string): Promise<Oracle> {
  const home = await mkdtemp(join(tmpdir(), "turnout-oracle-"));
  const remove = () => rm(home, { recursive: true, force: true });
  try {
    await layOut(modelDirectory, join(home, encoder));
    return await load(home, remove);
  } catch (error) {
    await remove();
    throw error;
  }
}

/** The model's name towards transformers.js. */
const encoder = "encoder";

async function load(home: string, remove: () => Promise<void>): Promise<Oracle> {
  // Imported late: it takes over a second, which a skipped suite need not pay.
  const { env, pipeline } = await import("@huggingface/transformers");
  Object.assign(env, { allowRemoteModels: false, localModelPath: home, useFSCache: false });
  const extract = await pipeline("feature-extraction", encoder, {
    dtype: "fp32",
    session_options: { intraOpNumThreads: 1, graphOptimizationLevel: "disabled", logSeverityLevel: 3 },
  });
  return {
    tokenize: (text) => extract.tokenizer(text, { return_tensor: false }).input_ids,
    async embed(text) {
      const { data } = await extract(text, { pooling: "mean", normalize: true });
      if (!(data instanceof Float32Array)) throw new TypeError("expected an embedding of floats. This is a bug.");
      return data;
    },
    async close() {
      await extract.dispose();
      await remove();
    },
  };
}

async function layOut(modelDirectory: string, home: string): Promise<void> {
  const manifest = await loadManifest(modelDirectory);
  if (manifest.variant === "as-is") throw new TypeError("the oracle runs our own graphs only");
  const { architecture, graph, tokenizer, files } = manifest;
  await mkdir(join(home, "onnx"), { recursive: true });
  const special = { cls_token: "[CLS]", sep_token: "[SEP]", pad_token: "[PAD]", unk_token: "[UNK]", mask_token: "[MASK]" };
  const tokenizerConfig = { tokenizer_class: "BertTokenizer", model_max_length: architecture.positions, do_lower_case: true, ...special };
  await writeFile(join(home, "tokenizer_config.json"), JSON.stringify(tokenizerConfig));
  await writeFile(join(home, "config.json"), JSON.stringify({ model_type: "bert", architectures: ["BertModel"] }));
  await copyFile(join(modelDirectory, tokenizer), join(home, "tokenizer.json"));
  await writeFile(join(home, "onnx", "model.onnx"), await withoutPooling(await readFile(join(modelDirectory, graph)), architecture));
  // Copied, not linked: ONNX Runtime refuses weights that lie outside of the graph's directory.
  for (const { path } of files.filter((file) => file.path !== graph && file.path !== tokenizer)) {
    await copyFile(join(modelDirectory, path), join(home, "onnx", path), constants.COPYFILE_FICLONE);
  }
}

interface ModelDocument {
  readonly graph: { node: { opType: string; input: string[]; output: string[] }[]; output: unknown[] };
}

/** withoutPooling ends a graph behind its last layer, with the output `last_hidden_state` [batch, sequence, hidden]. */
async function withoutPooling(bytes: Uint8Array, { hiddenSize }: EncoderArchitecture): Promise<Uint8Array> {
  const schema = await protobuf.load(fileURLToPath(new URL("../../../proto/onnx.proto", import.meta.url)));
  const type = schema.lookupType("onnx.ModelProto");
  const model = type.toObject(type.decode(bytes)) as ModelDocument;
  const nodes = model.graph.node;
  const lastNorm = nodes.findLast(({ opType }) => opType === "LayerNormalization");
  const end = nodes.findIndex(({ opType, input }) => opType === "Reshape" && input[0] === lastNorm?.output[0]);
  if (end < 0) throw new TypeError("expected the last layer's normalisation to be reshaped to [batch, sequence, hidden]");
  nodes[end]!.output = ["last_hidden_state"];
  model.graph.node = nodes.slice(0, end + 1);
  const dim = [{ dimParam: "batch" }, { dimParam: "sequence" }, { dimValue: hiddenSize }];
  model.graph.output = [{ name: "last_hidden_state", type: { tensorType: { elemType: 1, shape: { dim } } } }];
  return type.encode(type.fromObject(model)).finish();
}
