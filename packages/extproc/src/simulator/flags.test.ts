import { describe, expect, it } from "vitest";
import { parseSimulatorFlags, simulatorFlagHelp } from "./flags.ts";

const parse = (...argv: string[]) => parseSimulatorFlags(["--model", "base", ...argv]);

describe("parseSimulatorFlags", () => {
  it("takes llm-d's defaults", () => {
    expect(parse()).toMatchObject({
      port: 8000,
      settings: {
        model: "base",
        mode: "random",
        maxLoras: 1,
        maxNumSeqs: 5,
        maxModelLen: 1024,
        timeFactorUnderLoad: 1,
        failureInjectionRate: 0,
        loraModules: [],
      },
    });
  });

  it.each<[string[], object]>([
    [["--mode", "echo"], { mode: "echo" }],
    [["--mode=echo"], { mode: "echo" }],
    [["--max-loras", "4", "--max-num-seqs=16"], { maxLoras: 4, maxNumSeqs: 16 }],
    [["--time-to-first-token", "250"], { timeToFirstTokenMs: 250 }],
    [
      ["--time-to-first-token", "1.5s", "--time-to-first-token-std-dev", "20ms"],
      { timeToFirstTokenMs: 1500, timeToFirstTokenStdDevMs: 20 },
    ],
    [["--inter-token-latency", "30", "--inter-token-latency-std-dev", "3"], { interTokenLatencyMs: 30, interTokenLatencyStdDevMs: 3 }],
    [["--time-factor-under-load", "2.5"], { timeFactorUnderLoad: 2.5 }],
    [
      ["--failure-injection-rate", "10", "--failure-types", "rate_limit,server_error"],
      { failureInjectionRate: 10, failureTypes: ["rate_limit", "server_error"] },
    ],
    [["--failure-types", "rate_limit", "server_error"], { failureTypes: ["rate_limit", "server_error"] }],
    [["--seed", "42", "--max-model-len", "32768"], { seed: 42, maxModelLen: 32_768 }],
    [
      ["--lora-modules", '{"name":"a","path":"/a"}', "--lora-modules", '{"name":"b"}'],
      {
        loraModules: [
          { name: "a", path: "/a" },
          { name: "b", path: "" },
        ],
      },
    ],
    [
      ["--lora-modules", '{"name":"a","path":"/a"}', '{"name":"b","path":"/b"}', "--seed", "2"],
      { loraModules: [{ name: "a" }, { name: "b" }], seed: 2 },
    ],
    [["--lora-modules", '[{"name":"a"},{"name":"b"}]'], { loraModules: [{ name: "a" }, { name: "b" }] }],
    [
      ["--lora-modules", "a=/a", "b=/b"],
      {
        loraModules: [
          { name: "a", path: "/a" },
          { name: "b", path: "/b" },
        ],
      },
    ],
  ])("reads %j", (argv, settings) => {
    expect(parse(...argv).settings).toMatchObject(settings);
  });

  it("reads the port", () => {
    expect(parse("--port", "8001").port).toBe(8001);
  });

  it.each<[string[], RegExp]>([
    [["--max-lora", "4"], /unknown flag --max-lora; did you mean --max-loras\?/],
    [["--ttft", "4"], /unknown flag --ttft; did you mean --/],
    [["--constructor", "x"], /unknown flag --constructor/],
    [["-p", "8001"], /unknown flag -p/],
    [["--port"], /--port: a value is missing/],
    [["--port", "99999"], /--port: expected a number from 0 to 65535/],
    [["--max-loras", "many"], /--max-loras: expected a number, got "many"/],
    [["--max-loras", "0"], /maxLoras/],
    [["--time-to-first-token", "5 parsecs"], /--time-to-first-token: expected milliseconds/],
    [["--mode", "shout"], /mode/],
    [["--failure-types", "meteor"], /failureTypes/],
    [["--failure-injection-rate", "101"], /failureInjectionRate/],
    [["--lora-modules", "{name}"], /--lora-modules: .*JSON/],
    [["--lora-modules", '{"nmae":"a"}'], /loraModules\.0/],
    [["--lora-modules", "alone"], /--lora-modules: expected/],
    [["stray"], /"stray" belongs to no flag/],
  ])("refuses %j", (argv, message) => {
    expect(() => parse(...argv)).toThrow(message);
  });

  it("needs a model", () => {
    expect(() => parseSimulatorFlags([])).toThrow(/--model is needed/);
  });
});

describe("simulatorFlagHelp", () => {
  it("has one line per flag", () => {
    expect(simulatorFlagHelp().split("\n")).toContainEqual(expect.stringMatching(/^ {2}--max-loras <count> +different adapters/));
  });
});
