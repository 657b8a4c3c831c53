/**
 * Builds ONNX models node by node and writes them: the graph in one small file, large weights in one data file beside it,
 * page-aligned, so that ONNX Runtime maps it and all workers share the pages. Knows nothing of encoders.
 */
import { open, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { RouterError } from "@turnout/shared";
import protobuf from "protobufjs";

/** The ONNX codes of the number types we write. */
const elementTypes = { float: 1, uint8: 2, int8: 3, int32: 6, int64: 7 } as const;

type Numbers = Float32Array | Uint8Array | Int8Array | BigInt64Array;
type Attribute = { readonly int: number } | { readonly float: number };

interface Node {
  readonly op: string;
  readonly domain: string;
  readonly inputs: readonly string[];
  readonly output: string;
  readonly attributes: Readonly<Record<string, Attribute>>;
}

interface Weight {
  readonly name: string;
  readonly dims: readonly number[];
  readonly values: Numbers;
}

/** GraphValue is an input or output of the graph; a dimension that varies is given by name. */
export interface GraphValue {
  readonly name: string;
  readonly type: keyof typeof elementTypes;
  readonly dims: readonly (number | string)[];
}

/** NodeOptions are the rarely given parts of a node. */
export interface NodeOptions {
  readonly domain?: string;
  readonly output?: string;
  readonly attributes?: Readonly<Record<string, Attribute>>;
}

/** OnnxGraph collects nodes in topological order. `node` and `weight` give back the name by which later nodes refer to them. */
export class OnnxGraph {
  readonly inputs: readonly GraphValue[];
  readonly outputs: readonly GraphValue[];
  readonly nodes: Node[] = [];
  readonly weights = new Map<string, Weight>();

  constructor(inputs: readonly GraphValue[], outputs: readonly GraphValue[]) {
    this.inputs = inputs;
    this.outputs = outputs;
  }

  node(op: string, inputs: readonly string[], options: NodeOptions = {}): string {
    const output = options.output ?? `${op}_${this.nodes.length}`;
    this.nodes.push({ op, inputs, output, domain: options.domain ?? "", attributes: options.attributes ?? {} });
    return output;
  }

  /** A second weight of the same name is the same weight. */
  weight(name: string, dims: readonly number[], values: Numbers): string {
    if (!this.weights.has(name)) this.weights.set(name, { name, dims, values });
    return name;
  }

  scalar(value: number): string {
    return this.weight(`scalar:${value}`, [], Float32Array.of(value));
  }

  int64s(...values: number[]): string {
    return this.weight(`int64:${values.join()}`, [values.length], BigInt64Array.from(values, BigInt));
  }
}

/** Below this size a weight stays inside the graph: ONNX Runtime wants shapes and axes there, and a page per scalar is waste. */
const INLINE_BYTES = 1024;
const PAGE_BYTES = 4096;

/** OnnxFiles says where a model is written. */
export interface OnnxFiles {
  readonly directory: string;
  readonly graph: string;
  readonly data: string;
}

/** writeOnnxModel writes both files; `progress` hears the bytes of weights written and their total. Rejects with the file system's error, or when aborted. */
export async function writeOnnxModel(
  graph: OnnxGraph,
  files: OnnxFiles,
  progress: (done: number, total: number) => void,
  signal?: AbortSignal,
): Promise<void> {
  const external = [...graph.weights.values()].filter((weight) => weight.values.byteLength >= INLINE_BYTES);
  const offsets = new Map<string, number>();
  let end = 0;
  for (const { name, values } of external) {
    offsets.set(name, end);
    end += Math.ceil(values.byteLength / PAGE_BYTES) * PAGE_BYTES;
  }
  await using data = await open(join(files.directory, files.data), "w");
  await data.truncate(end);
  for (const { name, values } of external) {
    signal?.throwIfAborted();
    await data.write(bytesOf(values), 0, values.byteLength, offsets.get(name)!);
    progress(offsets.get(name)! + values.byteLength, end);
  }
  await writeFile(join(files.directory, files.graph), await encodeModel(graph, { file: files.data, offsets }));
}

/** encodeOnnxModel gives a model with all weights inside, for graphs small enough to live in memory. */
export function encodeOnnxModel(graph: OnnxGraph): Promise<Uint8Array> {
  return encodeModel(graph, { file: "", offsets: new Map() });
}

/** PublishedWeights is what must be known of a graph's weights before it is copied. */
export interface PublishedWeights {
  /** Files in which the graph keeps weights outside of itself, relative to its own place. */
  readonly externalFiles: readonly string[];
  /** The int8 matrices that may be multiplied: where their bytes lie. */
  readonly int8: readonly (Uint8Array | { readonly file: string; readonly offset: number; readonly length: number })[];
}

/** readWeights looks through a graph. Throws RouterError("model_corrupt") when `bytes` are no ONNX model. */
export function readWeights(bytes: Uint8Array, path: string): PublishedWeights {
  try {
    const { graph } = loadSchema().lookupType("onnx.ModelProto").decode(bytes) as unknown as ReadModel;
    const initializers = graph?.initializer ?? [];
    const multiplied = new Set(graph?.node?.flatMap(({ opType, input }) => (opType === "Gather" ? [] : (input ?? []))));
    const files = initializers.map((tensor) => placeOf(tensor)?.file).filter((file) => file !== undefined);
    const int8 = initializers
      .filter(({ name, dataType, dims }) => dataType === elementTypes.int8 && (dims?.length ?? 0) > 1 && multiplied.has(name))
      .map((tensor) => placeOf(tensor) ?? tensor.rawData ?? new Uint8Array(0));
    return { externalFiles: [...new Set(files)].sort(), int8 };
  } catch (cause) {
    throw new RouterError("model_corrupt", `${path} is not an ONNX model`, { cause });
  }
}

/** ReadModel is the part of a decoded model that readWeights looks at. */
interface ReadModel {
  readonly graph?: {
    readonly node?: readonly { readonly opType: string; readonly input?: readonly string[] }[];
    readonly initializer?: readonly ReadTensor[];
  };
}

interface ReadTensor {
  readonly name: string;
  readonly dataType?: number;
  readonly dims?: readonly unknown[];
  readonly rawData?: Uint8Array;
  readonly externalData?: readonly { readonly key: string; readonly value: string }[];
}

function placeOf({ externalData = [] }: ReadTensor): { file: string; offset: number; length: number } | undefined {
  const entries = new Map(externalData.map(({ key, value }) => [key, value]));
  const file = entries.get("location");
  return file === undefined ? undefined : { file, offset: Number(entries.get("offset") ?? 0), length: Number(entries.get("length") ?? 0) };
}

function loadSchema(): protobuf.Root {
  return protobuf.loadSync(fileURLToPath(new URL("../../../proto/onnx.proto", import.meta.url)));
}

async function encodeModel(graph: OnnxGraph, external: { file: string; offsets: ReadonlyMap<string, number> }): Promise<Uint8Array> {
  const model = loadSchema().lookupType("onnx.ModelProto");
  const domains = new Set(graph.nodes.map((node) => node.domain));
  const document = {
    irVersion: 9,
    producerName: "turnout",
    opsetImport: Array.from(domains, (domain) => ({ domain, version: domain === "" ? 18 : 1 })),
    graph: {
      name: "encoder",
      node: graph.nodes.map(nodeProto),
      initializer: Array.from(graph.weights.values(), (weight) => tensorProto(weight, external.file, external.offsets.get(weight.name))),
      input: graph.inputs.map(valueProto),
      output: graph.outputs.map(valueProto),
    },
  };
  const problem = model.verify(document);
  if (problem !== null) throw new TypeError(`ONNX model: ${problem}. This is a bug.`);
  return model.encode(document).finish();
}

function nodeProto({ op, domain, inputs, output, attributes }: Node) {
  return {
    opType: op,
    name: output,
    domain,
    input: inputs,
    output: [output],
    attribute: Object.entries(attributes).map(([name, value]) =>
      "int" in value ? { name, i: value.int, type: 2 } : { name, f: value.float, type: 1 },
    ),
  };
}

function tensorProto({ name, dims, values }: Weight, file: string, offset: number | undefined) {
  const tensor = { name, dims, dataType: elementTypes[elementTypeOf(values)] };
  if (offset === undefined) return { ...tensor, rawData: bytesOf(values) };
  const entries = { location: file, offset: String(offset), length: String(values.byteLength) };
  return { ...tensor, dataLocation: 1, externalData: Object.entries(entries).map(([key, value]) => ({ key, value })) };
}

function valueProto({ name, type, dims }: GraphValue) {
  const dim = dims.map((size) => (typeof size === "number" ? { dimValue: size } : { dimParam: size }));
  return { name, type: { tensorType: { elemType: elementTypes[type], shape: { dim } } } };
}

function elementTypeOf(values: Numbers): keyof typeof elementTypes {
  if (values instanceof Float32Array) return "float";
  if (values instanceof Uint8Array) return "uint8";
  return values instanceof Int8Array ? "int8" : "int64";
}

function bytesOf(values: Numbers): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}
