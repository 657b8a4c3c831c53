/** Fields one after the other in bytes: little-endian numbers, texts and byte strings with their length in front. Pure. */

export const NUMBER_BYTES = 8;
/** What the length of a text or a byte string takes. */
export const LENGTH_BYTES = 2;
const MAX_FIELD_BYTES = 0xffff;

/** ByteWriter fills `bytes`, whose length is known beforehand. */
export class ByteWriter {
  readonly bytes: Buffer;
  #at = 0;

  constructor(length: number) {
    this.bytes = Buffer.allocUnsafe(length);
  }

  byte(value: number): void {
    this.#at = this.bytes.writeUInt8(value, this.#at);
  }

  number(value: number): void {
    this.#at = this.bytes.writeDoubleLE(value, this.#at);
  }

  text(value: string): void {
    this.#length(Buffer.byteLength(value));
    this.#at += this.bytes.write(value, this.#at);
  }

  /** field throws a RangeError beyond 65,535 bytes. */
  field(value: Uint8Array): void {
    this.#length(value.length);
    this.rest(value);
  }

  /** rest writes bytes without their length. */
  rest(value: Uint8Array): void {
    this.bytes.set(value, this.#at);
    this.#at += value.length;
  }

  #length(length: number): void {
    if (length > MAX_FIELD_BYTES) throw new RangeError(`a field of ${length} bytes; at most ${MAX_FIELD_BYTES} fit`);
    this.#at = this.bytes.writeUInt16LE(length, this.#at);
  }
}

/** ByteReader throws a RangeError when the bytes end before a field does. */
export class ByteReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  byte(): number {
    const value = this.#bytes.readUInt8(this.#at);
    this.#at += 1;
    return value;
  }

  number(): number {
    const value = this.#bytes.readDoubleLE(this.#at);
    this.#at += NUMBER_BYTES;
    return value;
  }

  text(): string {
    return this.field().toString();
  }

  field(): Buffer {
    const length = this.#bytes.readUInt16LE(this.#at);
    const start = this.#at + LENGTH_BYTES;
    const end = start + length;
    if (end > this.#bytes.length) throw new RangeError("the bytes end within a field");
    this.#at = end;
    return this.#bytes.subarray(start, end);
  }

  /** rest gives all that was not read. */
  rest(): Buffer {
    const rest = this.#bytes.subarray(this.#at);
    this.#at = this.#bytes.length;
    return rest;
  }

  /** end throws unless everything was read. */
  end(): void {
    if (this.#at !== this.#bytes.length) throw new RangeError("bytes after the end");
  }
}
