/** Writes the safetensors format, as model/prepare/safetensors.ts of the classifier pool reads it. */
export type Tensor = { readonly shape: readonly number[]; readonly data: Uint8Array | Int8Array | Float32Array };

/** writeSafetensors lays the tensors out in the order of their element size, so that every float is aligned. */
export function writeSafetensors(tensors: Readonly<Record<string, Tensor>>): Uint8Array {
  const entries = Object.entries(tensors).toSorted(([, a], [, b]) => b.data.BYTES_PER_ELEMENT - a.data.BYTES_PER_ELEMENT);
  let offset = 0;
  const header: Record<string, unknown> = {};
  for (const [name, { shape, data }] of entries) {
    const dtype = data instanceof Float32Array ? "F32" : data instanceof Int8Array ? "I8" : "U8";
    header[name] = { dtype, shape, data_offsets: [offset, offset + data.byteLength] };
    offset += data.byteLength;
  }
  const json = JSON.stringify(header);
  const head = new TextEncoder().encode(json + " ".repeat((8 - (json.length % 8)) % 8));
  const file = new Uint8Array(8 + head.byteLength + offset);
  new DataView(file.buffer).setBigUint64(0, BigInt(head.byteLength), true);
  file.set(head, 8);
  let at = 8 + head.byteLength;
  for (const [, { data }] of entries) {
    file.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    at += data.byteLength;
  }
  return file;
}
