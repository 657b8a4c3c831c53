/**
 * What can only be seen in a published graph itself: the inputs it asks for, the output to take, and the output's shape, for which it
 * is run once. Refuses by name what cannot be fed or read. Called by as-is.ts.
 */
import { RouterError } from "@turnout/shared";
import { labelScheme } from "../entities.ts";
import { graphInputs, type GraphInput, type Pooling } from "../manifest.ts";
import type { AsIsSettings, PublishedSettings } from "./published-settings.ts";

const tokenOutputs = ["last_hidden_state", "token_embeddings"];
const pooledOutputs = ["sentence_embedding", "embedding", "embeddings"];
const classificationHead = "classification";

/** GraphShape is what can only be seen in the graph. */
export interface GraphShape {
  readonly inputs: GraphInput[];
  readonly output: string;
  readonly pooling: Pooling;
  readonly width: number;
  readonly classification: { name: string; labels: string[] } | null;
  readonly tokenLabels: string[] | null;
}

/** readGraph opens and runs a graph. Throws RouterError("model_unsupported" | "model_corrupt"). */
export async function readGraph(path: string, published: PublishedSettings, settings: AsIsSettings): Promise<GraphShape> {
  // Loaded here only: an already prepared model must not cost the runtime's start.
  const [{ openSession }, { graphFeeds }, { batchOf }] = await Promise.all([
    import("../../backends/onnx.ts"),
    import("../../backends/graph-inputs.ts"),
    import("../../backends/warm-up.ts"),
  ]);
  const session = await openSession(path);
  try {
    const inputs = session.inputMetadata.map((input) => feedableInput(input.name, input.isTensor ? input.type : "no tensor"));
    const output = chooseOutput(session.outputNames, published, settings);
    const found = (await session.run(graphFeeds(inputs, batchOf([[0, 0, 0]]), published.padId), [output]))[output];
    if (found?.type !== "float32") throw unsupported(`output "${output}" is ${found?.type ?? "absent"}, only float32 can be served`);
    const width = found.dims.at(-1) ?? 0;
    const vectors = { inputs, output, width, classification: null, tokenLabels: null } as const;
    if (output === "logits" && published.task === "token-classification")
      return { ...vectors, pooling: "none", tokenLabels: tokenLabelsOf(found.dims, published, settings) };
    if (output === "logits") return { ...vectors, pooling: "none", classification: classificationOf(found.dims, published) };
    if (found.dims.length === 2) {
      if (settings.pooling !== undefined && settings.pooling !== "none")
        throw unsupported(`output "${output}" is pooled already, "${settings.pooling}" was asked for`);
      return { ...vectors, pooling: "none" };
    }
    const pooling = settings.pooling ?? published.pooling;
    if (found.dims.length !== 3 || pooling === null || pooling === "none") {
      throw unsupported(
        `output "${output}" has dimensions [${found.dims.join()}]: it needs a pooling (mean, cls or last_token), and no file of the model says which; give --pooling`,
      );
    }
    return { ...vectors, pooling };
  } finally {
    await session.release();
  }
}

function feedableInput(name: string, type: string): GraphInput {
  const known = graphInputs.find((candidate) => candidate === name);
  if (known === undefined) throw unsupported(`the graph asks for an input "${name}"; known are ${graphInputs.join(", ")}`);
  if (type !== "int64" && type !== "int32") throw unsupported(`input "${name}" is ${type}, only int64 and int32 can be fed`);
  return { name: known, type };
}

/** chooseOutput takes token vectors where it is known how to pool them, else what the graph has pooled itself. */
function chooseOutput(names: readonly string[], { task, pooling, laterSteps }: PublishedSettings, settings: AsIsSettings): string {
  const has = (candidates: readonly string[]) => candidates.find((name) => names.includes(name));
  if (settings.output !== undefined) {
    if (names.includes(settings.output)) return settings.output;
    throw unsupported(`the graph has no output "${settings.output}"; it has ${names.join(", ")}`);
  }
  const wanted = settings.pooling ?? (laterSteps.length === 0 ? pooling : null) ?? "none";
  const output =
    task !== "features"
      ? has(["logits"])
      : wanted === "none"
        ? (has(pooledOutputs) ?? has(tokenOutputs))
        : (has(tokenOutputs) ?? has(pooledOutputs));
  if (output === undefined) throw unsupported(`none of the graph's outputs (${names.join(", ")}) is known; name one with --output`);
  if (laterSteps.length > 0 && settings.pooling === undefined && tokenOutputs.includes(output)) {
    throw unsupported(
      `modules.json has ${laterSteps.join(", ")} behind the pooling, which the output "${output}" lacks; export the whole model, with its "${pooledOutputs[0]}"`,
    );
  }
  return output;
}

function classificationOf(dims: readonly number[], { labels }: PublishedSettings): { name: string; labels: string[] } {
  if (dims.length !== 2) throw unsupported(`output "logits" has dimensions [${dims.join()}], expected one row per text`);
  if (labels.length !== dims[1]) throw unsupported(`config.json's id2label has ${labels.length} labels, the graph gives ${dims[1]} logits`);
  return { name: classificationHead, labels: [...labels] };
}

function tokenLabelsOf(dims: readonly number[], { labels, prompt }: PublishedSettings, settings: AsIsSettings): string[] {
  if (dims.length !== 3) throw unsupported(`output "logits" has dimensions [${dims.join()}], expected one row per token`);
  if (labels.length !== dims[2]) throw unsupported(`config.json's id2label has ${labels.length} labels, the graph gives ${dims[2]} logits`);
  if (labelScheme(labels) === null)
    throw unsupported('none of the labels in config.json\'s id2label is "O", which says that a token is no entity');
  if ((settings.prompt ?? prompt) !== "") throw unsupported("a token classifier reads a text as it is, without a prompt before it");
  return [...labels];
}

function unsupported(problem: string, cause?: unknown): RouterError {
  return new RouterError("model_unsupported", problem, { cause });
}
