/** For tests: small prepared models of the kinds that a pool can serve by name, a few kilobytes each. */
import { join } from "node:path";
import { prepareModel } from "../prepare/index.ts";
import { tinyGraph, tokenizers, writePublished, type TinyGraph } from "./tiny-onnx.ts";

/** TinyModels are directories of prepared models. `mood` labels texts, `names` finds words that begin with "c", and goes on with those with "d". */
export type TinyModels = Readonly<Record<"encoder" | "mood" | "names", string>>;

/** prepareTinyModels prepares one of each kind below `home`. */
export async function prepareTinyModels(home: string): Promise<TinyModels> {
  const task = (architecture: string, ...labels: string[]) => ({ architectures: [architecture], id2label: { ...labels } });
  const encoder = await prepareTiny(home, "encoder", { kind: "pooled" }, {});
  const mood = await prepareTiny(home, "mood", { kind: "logits" }, task("BertForSequenceClassification", "calm", "angry", "sad"));
  const labelOf = (id: number) => [6, 7].indexOf(id) + 1;
  const labels = task("BertForTokenClassification", "O", "B-NAME", "I-NAME");
  return { encoder, mood, names: await prepareTiny(home, "names", { kind: "token-logits", labelOf }, labels) };
}

async function prepareTiny(home: string, name: string, graph: TinyGraph, config: object): Promise<string> {
  const directory = join(home, `published-${name}`);
  const files = {
    "model.onnx": await tinyGraph(graph),
    "tokenizer.json": tokenizers.WordPiece,
    "config.json": { vocab_size: 64, ...config },
  };
  await writePublished(directory, files);
  const prepared = await prepareModel({ name, variant: "as-is", modelsDirectory: join(home, "models"), sources: [], directory, asIs: {} });
  return prepared.directory;
}
