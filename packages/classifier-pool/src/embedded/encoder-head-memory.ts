/** Gives a compiled module of assembly/ a memory of its own. Called by encoder-head.ts. */

/** Content is an array that goes into the memory, or how many bytes are kept free. */
type Content = Float32Array | Int8Array | number;

/** Placed is a module in its memory, and what lies there by name. */
export interface Placed<Exports, Name extends string> {
  readonly exports: Exports;
  floats(name: Name): Float32Array;
  bytes(name: Name): Uint8Array;
}

const PAGE = 65_536;
/** Bytes of a vector register: whatever begins, begins at a multiple of them. */
const LINE = 16;

/** place starts a module (base64), which imports by its own name `numbers` and where each content begins. */
export function place<Exports, Name extends string>(
  [name, module]: readonly [name: string, module: string],
  numbers: Readonly<Record<string, number>>,
  contents: Readonly<Record<Name, Content>>,
): Placed<Exports, Name> {
  const begins: Record<string, number> = {};
  let size = 0;
  for (const [key, content] of Object.entries<Content>(contents)) {
    begins[key] = size;
    size += Math.ceil(lengthOf(content) / LINE) * LINE;
  }
  const pages = Math.ceil(size / PAGE);
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
  const bytes = (key: Name) => new Uint8Array(memory.buffer, begins[key], lengthOf(contents[key]));
  for (const key in contents) {
    const content: Content = contents[key];
    if (typeof content !== "number") bytes(key).set(new Uint8Array(content.buffer, content.byteOffset, content.byteLength));
  }
  const compiled = new WebAssembly.Module(Buffer.from(module, "base64"));
  const { exports } = new WebAssembly.Instance(compiled, { env: { memory }, [name]: { ...numbers, ...begins } });
  return {
    exports: exports as Exports,
    floats: (key) => new Float32Array(memory.buffer, begins[key], lengthOf(contents[key]) / Float32Array.BYTES_PER_ELEMENT),
    bytes,
  };
}

const lengthOf = (content: Content) => (typeof content === "number" ? content : content.byteLength);

interface Memory {
  readonly buffer: ArrayBuffer;
}

/** Node has it; its types say so only together with a browser's. */
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Memory: new (limits: { readonly initial: number; readonly maximum: number }) => Memory;
  readonly Instance: new (
    module: object,
    imports: Readonly<Record<string, Readonly<Record<string, number | Memory>>>>,
  ) => { readonly exports: unknown };
};
