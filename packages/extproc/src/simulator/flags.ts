import { parseArgs, type ParseArgsOptionsConfig } from "node:util";
import { RouterError } from "@turnout/shared";
import { distance } from "fastest-levenshtein";
import { FAILURE_TYPES, readSettings, type SimulatorInput, type SimulatorSettings } from "./settings.ts";

/**
 * llm-d-inference-sim's command line for the simulator: the same names and units, so that its manifests' `args` can be kept.
 * Flags that exist there and not here are refused like unknown ones: a simulator that silently ignores one simulates something else.
 */

interface Flag {
  readonly placeholder: string;
  readonly help: string;
  /** Adds the flag's values to the settings; throws with a reason. */
  read(input: Record<string, unknown>, values: readonly string[]): void;
}

const FLAGS: Readonly<Record<string, Flag>> = {
  model: text("model", "name", "name of the base model (needed)"),
  port: { placeholder: "port", help: "port to listen on (8000)", read: () => {} },
  "lora-modules": {
    placeholder: "json",
    help: 'adapter as {"name":"…","path":"…"} or name=path; repeat it, or give several after one flag',
    read: (input, values) => {
      input["loraModules"] = values.flatMap(loraModules);
    },
  },
  "max-loras": number("maxLoras", "count", "different adapters that run at once (1)"),
  "max-num-seqs": number("maxNumSeqs", "count", "requests that run at once (5)"),
  "max-waiting-queue-length": number("maxWaitingQueueLength", "count", "requests that may wait (1000)"),
  "max-model-len": number("maxModelLen", "tokens", "prompt and completion together (1024)"),
  mode: text("mode", "echo|random", "answer with the user's text or with random sentences (random)"),
  "time-to-first-token": duration("timeToFirstTokenMs", "milliseconds, or a duration like 200ms (0)"),
  "time-to-first-token-std-dev": duration("timeToFirstTokenStdDevMs", "spread of it (0)"),
  "inter-token-latency": duration("interTokenLatencyMs", "milliseconds between tokens (0)"),
  "inter-token-latency-std-dev": duration("interTokenLatencyStdDevMs", "spread of it (0)"),
  "time-factor-under-load": number("timeFactorUnderLoad", "factor", "slowdown when max-num-seqs requests run (1)"),
  "failure-injection-rate": number("failureInjectionRate", "percent", "requests that fail (0)"),
  "failure-types": {
    placeholder: "list",
    help: `comma-separated or repeated: ${FAILURE_TYPES.join(", ")} (all)`,
    read: (input, values) => {
      input["failureTypes"] = values
        .flatMap((value) => value.split(","))
        .map((value) => value.trim())
        .filter((value) => value !== "");
    },
  },
  seed: number("seed", "number", "seed of answers, spreads and failures (1)"),
};

/** Flags whose further values may follow without repeating the flag. */
const LIST_FLAGS = new Set(["lora-modules", "failure-types"]);

/** SimulatorFlags are a command line, read. */
export interface SimulatorFlags {
  readonly settings: SimulatorSettings;
  readonly port: number;
}

/** simulatorFlagHelp lists the flags for `--help`. */
export function simulatorFlagHelp(): string {
  const lines = Object.entries(FLAGS).map(([name, flag]) => [`  --${name} <${flag.placeholder}>`, flag.help] as const);
  const width = Math.max(...lines.map(([flag]) => flag.length));
  return lines.map(([flag, help]) => `${flag.padEnd(width)}  ${help}`).join("\n");
}

/** parseSimulatorFlags reads a command line. Throws RouterError("config_invalid"); for an unknown flag it names the nearest one. */
export function parseSimulatorFlags(argv: readonly string[]): SimulatorFlags {
  const values = collect(argv);
  const input: Record<string, unknown> = {};
  for (const [name, given] of values) {
    try {
      FLAGS[name]?.read(input, given);
    } catch (error) {
      throw new RouterError("config_invalid", `--${name}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
    }
  }
  if (input["model"] === undefined) throw new RouterError("config_invalid", "--model is needed: the name of the base model to simulate");
  const port = Number(values.get("port")?.at(-1) ?? 8000);
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new RouterError("config_invalid", "--port: expected a number from 0 to 65535");
  return { settings: readSettings(input as SimulatorInput), port };
}

function collect(argv: readonly string[]): Map<string, string[]> {
  const options: ParseArgsOptionsConfig = {};
  for (const name of Object.keys(FLAGS)) options[name] = { type: "string", multiple: true };
  const { tokens } = parseArgs({ args: [...argv], options, strict: false, allowPositionals: true, tokens: true });
  const values = new Map<string, string[]>();
  let open: string | null = null;
  for (const token of tokens) {
    if (token.kind === "option") {
      if (!Object.hasOwn(FLAGS, token.name)) throw new RouterError("config_invalid", unknownFlag(token.rawName));
      if (token.value === undefined || token.value === "") throw new RouterError("config_invalid", `--${token.name}: a value is missing`);
      values.set(token.name, [...(values.get(token.name) ?? []), token.value]);
      open = LIST_FLAGS.has(token.name) ? token.name : null;
    } else if (token.kind === "positional") {
      if (open === null) throw new RouterError("config_invalid", `"${token.value}" belongs to no flag`);
      values.get(open)?.push(token.value);
    }
  }
  return values;
}

function unknownFlag(written: string): string {
  const name = written.replace(/^-+/, "");
  const nearest = Object.keys(FLAGS).toSorted((a, b) => distance(a, name) - distance(b, name))[0] as string;
  return `unknown flag ${written}; did you mean --${nearest}?`;
}

function text(key: keyof SimulatorInput, placeholder: string, help: string): Flag {
  return { placeholder, help, read: (input, values) => void (input[key] = values.at(-1)) };
}

function number(key: keyof SimulatorInput, placeholder: string, help: string): Flag {
  return { placeholder, help, read: (input, values) => void (input[key] = readNumber(values.at(-1) as string)) };
}

const UNITS: Readonly<Record<string, number>> = { "": 1, ms: 1, s: 1000, m: 60_000 };

function duration(key: keyof SimulatorInput, help: string): Flag {
  return {
    placeholder: "ms",
    help,
    read: (input, values) => {
      const parts = /^([\d.]+)(ms|s|m|)$/.exec(values.at(-1) as string);
      if (parts === null) throw new Error(`expected milliseconds or a duration like 200ms or 1.5s, got "${values.at(-1)}"`);
      input[key] = readNumber(parts[1] as string) * (UNITS[parts[2] as string] as number);
    },
  };
}

function readNumber(written: string): number {
  const value = Number(written);
  if (written.trim() === "" || !Number.isFinite(value)) throw new Error(`expected a number, got "${written}"`);
  return value;
}

function loraModules(written: string): unknown[] {
  const trimmed = written.trim();
  if (trimmed.startsWith("{")) return [JSON.parse(trimmed)];
  if (trimmed.startsWith("[")) return JSON.parse(trimmed) as unknown[];
  const [name, path] = trimmed.split("=", 2);
  if (!name || path === undefined) throw new Error(`expected {"name":"…","path":"…"} or name=path, got "${written}"`);
  return [{ name, path }];
}
