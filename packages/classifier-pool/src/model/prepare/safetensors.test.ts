import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { RouterError } from "@turnout/shared";
import { encodeSafetensors, safetensorsFile, tinyBert } from "../testing/tiny-bert.ts";
import { parseSafetensors, toFloat32 } from "./safetensors.ts";

const four = new Uint8Array(Float32Array.of(1, -2.5).buffer);
const honest = { a: { dtype: "F32", shape: [2], data_offsets: [0, 8] } };

describe("parseSafetensors", () => {
  it("reads back what was written", () => {
    const { tensors } = tinyBert(1);
    const read = parseSafetensors(encodeSafetensors(tensors));
    expect([...read.keys()].sort()).toEqual([...tensors.keys()].sort());
    for (const [name, { shape, values }] of tensors) {
      expect(read.get(name)!.shape).toEqual(shape);
      expect(toFloat32(name, read.get(name)!)).toEqual(values);
    }
  });

  it.each<[string, Uint8Array, RegExp]>([
    ["an empty file", new Uint8Array(0), /at least 8/],
    ["a header longer than the file", safetensorsFile(honest, four).subarray(0, 20), /header claims/],
    ["a header of 2^63 bytes", Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0x80, 1, 2), /header claims 9223372036854775808/],
    ["a header that is not JSON", safetensorsFile("{", four), /not JSON/],
    ["a header that is not UTF-8", Buffer.concat([safetensorsFile("x", four).subarray(0, 8), Uint8Array.of(0xff), four]), /not JSON/],
    ["a header that is a list", safetensorsFile([], four), /not an object/],
    ["truncated data", safetensorsFile(honest, four.subarray(0, 4)), /within 4 bytes/],
    ["bytes that belong to no tensor", safetensorsFile(honest, Buffer.concat([four, four])), /belong to no tensor/],
    ["a shape that lies", safetensorsFile({ a: { ...honest.a, shape: [3] } }, four), /expected 0\.\.12/],
    ["a huge shape", safetensorsFile({ a: { ...honest.a, shape: [2 ** 40, 2 ** 40] } }, four), /lies at/],
    ["a negative offset", safetensorsFile({ a: { ...honest.a, data_offsets: [-8, 0] } }, four), /data_offsets/],
    ["a gap", safetensorsFile({ a: { ...honest.a, data_offsets: [8, 16] } }, Buffer.concat([four, four])), /expected 0\.\.8/],
    [
      "overlapping tensors",
      safetensorsFile({ ...honest, b: { dtype: "F32", shape: [1], data_offsets: [4, 8] } }, four),
      /expected 8\.\.12/,
    ],
    ["an unknown type", safetensorsFile({ a: { ...honest.a, dtype: "F4" } }, four), /unknown type "F4"/],
    ["an inherited property as type", safetensorsFile({ a: { ...honest.a, dtype: "constructor" } }, four), /unknown type "constructor"/],
  ])("refuses %s", (_, file, message) => {
    expect(() => parseSafetensors(file)).toThrow(message);
    expect(() => parseSafetensors(file)).toThrow(RouterError);
  });

  it("refuses or reads mutated files, and never fails in another way", () => {
    const file = encodeSafetensors(tinyBert(2).tensors);
    const edit = fc.record({ at: fc.nat(6000), byte: fc.integer({ min: 0, max: 255 }) });
    fc.assert(
      fc.property(fc.array(edit, { minLength: 1, maxLength: 8 }), fc.nat(file.byteLength), (edits, length) => {
        const broken = file.slice(0, length);
        for (const { at, byte } of edits) broken[at % Math.max(1, length)] = byte;
        try {
          for (const [name, tensor] of parseSafetensors(broken))
            if (/^B?F/.test(tensor.dtype) && tensor.dtype !== "F64") toFloat32(name, tensor);
        } catch (error) {
          expect(error).toMatchObject({ code: "model_corrupt" });
        }
      }),
      { numRuns: 300, seed: 7 },
    );
  });
});

describe("toFloat32", () => {
  const tensor = (dtype: string, bytes: Uint8Array) => ({ dtype, shape: [bytes.byteLength / 2], bytes });

  it("widens half precision exactly", () => {
    const halves = Uint16Array.of(0x0000, 0x8000, 0x3c00, 0xc100, 0x7bff, 0x0001, 0x03ff, 0x0400, 0x7c00, 0xfc00, 0x7e00);
    const values = [0, -0, 1, -2.5, 65504, 2 ** -24, 1023 * 2 ** -24, 2 ** -14, Infinity, -Infinity, NaN];
    expect([...toFloat32("x", tensor("F16", new Uint8Array(halves.buffer)))]).toEqual(values);
  });

  it("widens bfloat16 exactly", () => {
    const words = Uint16Array.of(0x3f80, 0xc020, 0x0000, 0x7f80);
    expect([...toFloat32("x", tensor("BF16", new Uint8Array(words.buffer)))]).toEqual([1, -2.5, 0, Infinity]);
  });

  it("reads float32 from an odd address", () => {
    const shifted = new Uint8Array(9);
    shifted.set(four, 1);
    expect([...toFloat32("x", { dtype: "F32", shape: [2], bytes: shifted.subarray(1) })]).toEqual([1, -2.5]);
  });

  it("refuses integers", () => {
    expect(() => toFloat32("ids", { dtype: "I64", shape: [1], bytes: new Uint8Array(8) })).toThrow(/"ids" is I64/);
  });
});
