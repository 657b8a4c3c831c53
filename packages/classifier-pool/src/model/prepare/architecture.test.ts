import { describe, expect, it } from "vitest";
import { tinyBert } from "../testing/tiny-bert.ts";
import { parseArchitecture, requireMeanPooling } from "./architecture.ts";
import { readEncoderWeights } from "./encoder-weights.ts";
import { encodeSafetensors } from "../testing/tiny-bert.ts";
import { parseSafetensors } from "./safetensors.ts";

const { config } = tinyBert(1);
const withValues = (changes: Record<string, unknown>) => JSON.stringify({ ...config, ...changes });

describe("parseArchitecture", () => {
  it("reads a BERT's config", () => {
    expect(parseArchitecture(withValues({}))).toMatchObject({ type: "bert", layers: 2, heads: 4, hiddenSize: 32, positions: 128 });
  });

  it.each<[Record<string, unknown>, RegExp]>([
    [{ model_type: "roberta" }, /model_type is "roberta"/],
    [{ model_type: "modernbert" }, /model_type is "modernbert"/],
    [{ hidden_act: "gelu_new" }, /hidden_act is "gelu_new"/],
    [{ position_embedding_type: "relative_key" }, /position_embedding_type is "relative_key"/],
    [{ is_decoder: true }, /is_decoder/],
    [{ num_attention_heads: 5 }, /num_attention_heads is 5/],
  ])("refuses %j by name", (changes, message) => {
    expect(() => parseArchitecture(withValues(changes))).toThrow(
      expect.objectContaining({ code: "model_unsupported", message: expect.stringMatching(message) }),
    );
  });

  it.each<[string, string]>([
    ["no JSON", "<html>"],
    ["a missing size", JSON.stringify({ model_type: "bert" })],
    ["an absurd size", withValues({ num_hidden_layers: 1e9 })],
  ])("calls %s corrupt", (_, text) => {
    expect(() => parseArchitecture(text)).toThrow(expect.objectContaining({ code: "model_corrupt" }));
  });
});

describe("requireMeanPooling", () => {
  it("accepts mean pooling alone", () => {
    expect(() => requireMeanPooling(JSON.stringify({ pooling_mode_cls_token: false, pooling_mode_mean_tokens: true }))).not.toThrow();
  });

  it("refuses others by name", () => {
    const text = JSON.stringify({ pooling_mode_cls_token: true, pooling_mode_mean_tokens: false });
    expect(() => requireMeanPooling(text)).toThrow(/pooling_mode_cls_token/);
  });
});

describe("readEncoderWeights", () => {
  const architecture = parseArchitecture(withValues({}));
  const stored = (prefix = "") => new Map(parseSafetensors(encodeSafetensors(tinyBert(1, prefix).tensors)));

  it("reads checkpoints with and without the prefix of a headed model alike", () => {
    expect(readEncoderWeights(stored("bert."), architecture)).toEqual(readEncoderWeights(stored(), architecture));
  });

  it("names the tensor that is missing", () => {
    const tensors = stored();
    tensors.delete("encoder.layer.1.output.dense.bias");
    expect(() => readEncoderWeights(tensors, architecture)).toThrow(/lacks tensor "encoder.layer.1.output.dense.bias"/);
  });

  it("names the tensor whose shape is not the config's", () => {
    expect(() => readEncoderWeights(stored(), { ...architecture, intermediateSize: 65 })).toThrow(
      /"encoder.layer.0.intermediate.dense.weight" is \[64,32\], config.json says \[65,32\]/,
    );
  });
});
