import { createLogger, RouterError, type Clock, type ErrorCode } from "@turnout/shared";
import { describe, expect, it } from "vitest";
import type { SignalOutcome } from "./signals/evaluate.ts";
import { SignalFailureLog } from "./telemetry.ts";

function setUp() {
  const lines: Record<string, unknown>[] = [];
  let now = 0;
  const clock: Clock = { now: () => now, wallMs: () => now };
  const logger = createLogger("info", { write: (text) => void lines.push(JSON.parse(text) as Record<string, unknown>) });
  const log = new SignalFailureLog(logger, clock);
  return {
    lines,
    pass: (ms: number) => (now += ms),
    fail(...failures: readonly (readonly [type: string, error: RouterError | null])[]) {
      const signals = failures.map(([type, error]): SignalOutcome => ({
        type,
        error,
        matches: [],
        scores: [],
        sampled: false,
        cascade: null,
        durationMs: 1,
        embedded: [],
      }));
      log.tell({ trace: { signals, decisions: [], plugins: [], timings: { signalsMs: 1, decisionMs: 0, selectionMs: 0, pluginsMs: 0 } } });
    },
  };
}

const failure = (code: ErrorCode) => new RouterError(code, "what was wrong");

/** A bug as it reaches the log: thrown by the language, caught at the signal. */
function bug(cause: () => unknown): RouterError {
  try {
    cause();
  } catch (error) {
    return RouterError.from(error);
  }
  throw new Error("nothing was thrown");
}

describe("SignalFailureLog", () => {
  it.each<[ErrorCode, boolean]>([
    ["model_unsupported", true],
    ["model_corrupt", true],
    ["config_invalid", true],
    ["internal", true],
    ["overloaded", false],
    ["deadline_exceeded", false],
    ["encoder_unavailable", false],
    ["text_unscanned", false],
  ])("tells of what somebody has to mend: %s, %s", (code, told) => {
    const { fail, lines } = setUp();
    fail(["pii", failure(code)], ["keyword", null]);
    expect(lines.map(({ level, signal, code: logged }) => [level, signal, logged])).toEqual(told ? [["warn", "pii", code]] : []);
  });

  it("gives the message, which is what names the model", () => {
    const { fail, lines } = setUp();
    fail(["pii", failure("model_unsupported")]);
    expect(lines[0]).toMatchObject({ problem: "what was wrong" });
  });

  it("tells each kind of failure once a minute", () => {
    const { fail, lines, pass } = setUp();
    for (let request = 0; request < 100; request++) fail(["pii", failure("internal")], ["domain", failure("internal")]);
    fail(["pii", failure("model_corrupt")]);
    expect(lines).toHaveLength(3);
    pass(59_999);
    fail(["pii", failure("internal")]);
    expect(lines).toHaveLength(3);
    pass(1);
    fail(["pii", failure("internal")]);
    expect(lines).toHaveLength(4);
  });

  it.each([
    ["JSON", "{ my secret"],
    ["JSON of several lines", "my secret\n    at (secret:1:1)\n    at secret"],
  ])("says where a bug is, and never the text that its message quotes: %s", (_, prompt) => {
    const { fail, lines } = setUp();
    fail(["pii", bug(() => JSON.parse(prompt))]);
    fail([
      "domain",
      bug(() => {
        throw new TypeError(`cannot read ${prompt}`);
      }),
    ]);
    expect(lines.map(({ error }) => error)).toEqual(["SyntaxError", "TypeError"]);
    for (const { stack } of lines) expect(stack).toContain("telemetry.test.ts");
    expect(JSON.stringify(lines)).not.toContain("secret");
  });

  it("says where a bug of ours is that nothing has caused", () => {
    const { fail, lines } = setUp();
    fail(["pii", failure("internal")]);
    expect(lines[0]).toMatchObject({ error: "RouterError", stack: expect.stringContaining("telemetry.test.ts") as string });
  });
});
