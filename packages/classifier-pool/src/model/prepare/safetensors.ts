/**
 * Reader of the safetensors format: 8 bytes of header length, a JSON header, then the tensors' bytes without gaps. The file
 * comes from outside, so every number in it is checked before it is used; nothing is allocated on the word of the header.
 * https://github.com/huggingface/safetensors#format
 */
import { RouterError } from "@turnout/shared";
import { z } from "zod";

/** StoredTensor is one tensor as it lies in the file; `bytes` is a view, not a copy. */
export interface StoredTensor {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

const MAX_HEADER_BYTES = 16 * 1024 * 1024;
const bytesPerElement: ReadonlyMap<string, number> = new Map([
  ...["F64", "I64", "U64"].map((dtype) => [dtype, 8] as const),
  ...["F32", "I32", "U32"].map((dtype) => [dtype, 4] as const),
  ...["F16", "BF16", "I16", "U16"].map((dtype) => [dtype, 2] as const),
  ...["I8", "U8", "BOOL"].map((dtype) => [dtype, 1] as const),
]);

const entrySchema = z.object({
  dtype: z.string(),
  shape: z.array(z.int().nonnegative()).max(8),
  data_offsets: z.tuple([z.int().nonnegative(), z.int().nonnegative()]),
});

/** parseSafetensors lists the tensors of a file. Throws RouterError("model_corrupt") on anything that the format forbids. */
export function parseSafetensors(file: Uint8Array): ReadonlyMap<string, StoredTensor> {
  if (file.byteLength < 8) throw corrupt(`the file has ${file.byteLength} bytes, a header needs at least 8`);
  const headerBytes = new DataView(file.buffer, file.byteOffset, 8).getBigUint64(0, true);
  if (headerBytes > BigInt(Math.min(MAX_HEADER_BYTES, file.byteLength - 8))) {
    throw corrupt(`the header claims ${headerBytes} bytes, the file has ${file.byteLength} and the limit is ${MAX_HEADER_BYTES}`);
  }
  const dataStart = 8 + Number(headerBytes);
  const data = file.subarray(dataStart);
  const entries = parseHeader(file.subarray(8, dataStart)).toSorted((a, b) => a.begin - b.begin || a.end - b.end);

  const tensors = new Map<string, StoredTensor>();
  let expectedBegin = 0;
  for (const { name, dtype, shape, begin, end } of entries) {
    const elementBytes = bytesPerElement.get(dtype);
    if (elementBytes === undefined) throw corrupt(`tensor "${name}" has the unknown type "${dtype}"`);
    const bytes = shape.reduce((product, size) => product * size, elementBytes);
    if (begin !== expectedBegin || end - begin !== bytes || end > data.byteLength) {
      throw corrupt(
        `tensor "${name}" ${dtype}[${shape.join(",")}] lies at ${begin}..${end}, expected ${expectedBegin}..${expectedBegin + bytes} within ${data.byteLength} bytes`,
      );
    }
    expectedBegin = end;
    tensors.set(name, { dtype, shape, bytes: data.subarray(begin, end) });
  }
  if (expectedBegin !== data.byteLength) throw corrupt(`${data.byteLength - expectedBegin} bytes at the end belong to no tensor`);
  return tensors;
}

/** toFloat32 gives a tensor's numbers as float32: F32 as a view where alignment allows, F16 and BF16 widened exactly. */
export function toFloat32(name: string, tensor: StoredTensor): Float32Array {
  const { bytes, dtype } = tensor;
  if (dtype === "F32") {
    return bytes.byteOffset % 4 === 0
      ? new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4)
      : new Float32Array(new Uint8Array(bytes).buffer);
  }
  if (dtype !== "F16" && dtype !== "BF16") throw corrupt(`tensor "${name}" is ${dtype}; F32, F16 or BF16 expected`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const bits = new Uint32Array(bytes.byteLength / 2);
  const widen = dtype === "BF16" ? (half: number) => half << 16 : widenHalf;
  for (let i = 0; i < bits.length; i++) bits[i] = widen(view.getUint16(2 * i, true));
  return new Float32Array(bits.buffer);
}

/** widenHalf turns IEEE half bits into single bits. */
function widenHalf(half: number): number {
  const sign = (half & 0x8000) << 16;
  const exponent = (half >> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0x1f) return sign | 0x7f800000 | (fraction << 13);
  if (exponent !== 0) return sign | ((exponent + 112) << 23) | (fraction << 13);
  if (fraction === 0) return sign;
  const shift = Math.clz32(fraction) - 21; // subnormal: bring its leading bit to the hidden place
  return sign | ((113 - shift) << 23) | (((fraction << shift) & 0x3ff) << 13);
}

function parseHeader(bytes: Uint8Array) {
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw corrupt("the header is not JSON", cause);
  }
  if (typeof header !== "object" || header === null || Array.isArray(header)) throw corrupt("the header is not an object");
  return Object.entries(header)
    .filter(([name]) => name !== "__metadata__")
    .map(([name, value]) => {
      const entry = entrySchema.safeParse(value);
      if (!entry.success) throw corrupt(`tensor "${name}": ${z.prettifyError(entry.error)}`);
      const [begin, end] = entry.data.data_offsets;
      return { name, dtype: entry.data.dtype, shape: entry.data.shape, begin, end };
    });
}

function corrupt(problem: string, cause?: unknown): RouterError {
  return new RouterError("model_corrupt", `not a valid safetensors file: ${problem}`, { cause });
}
