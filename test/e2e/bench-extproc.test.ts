/** `pnpm bench extproc --against`: the benchmark as its reader runs it, with the Go client, against a server of which only the address is known. */
import { execFile } from "node:child_process";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { createExtProcServer } from "@turnout/extproc/envoy";
import { createMetrics, silentLogger, type ExchangeFactory } from "@turnout/shared";
import { afterEach, describe, expect, it } from "vitest";
import { scriptedExchanges } from "./scripted-exchange.ts";

const BENCH = fileURLToPath(new URL("../../bench/run.ts", import.meta.url));
/** Far above what routing without an encoder takes, even on a machine that does much else. */
const DELAY_MS = 300;
const REQUESTS = 6;

const cleanUp: (() => unknown)[] = [];
afterEach(async () => {
  for (const undo of cleanUp.splice(0).toReversed()) await undo();
});

/** startSlowServer is a router that thinks for a while before it answers as any other. */
async function startSlowServer(): Promise<number> {
  const scripted = scriptedExchanges();
  const exchanges: ExchangeFactory = {
    ...scripted,
    open() {
      const exchange = scripted.open();
      const answer = exchange.onRequestBody.bind(exchange);
      exchange.onRequestBody = async (body, options) => {
        await wait(DELAY_MS);
        return answer(body, options);
      };
      return exchange;
    },
  };
  const server = createExtProcServer({ exchanges, logger: silentLogger, metrics: createMetrics() });
  const port = await server.listen("127.0.0.1", 0);
  server.setServing(true);
  cleanUp.push(() => server.drain(0));
  return port;
}

type Line = Readonly<Record<string, unknown>>;

async function bench(...flags: string[]): Promise<{ readonly lines: readonly Line[]; readonly stderr: string; readonly code: number }> {
  const load = ["--backend", "deterministic", "--requests", String(REQUESTS), "--words", "10", "--clients", "2"];
  const args = ["--conditions=source", BENCH, "extproc", "--json", ...load, ...flags];
  const { stdout, stderr, code } = await promisify(execFile)(process.execPath, args, { timeout: 110_000 }).then(
    (output) => ({ ...output, code: 0 }),
    (failed: { stdout: string; stderr: string; code: number }) => failed,
  );
  return {
    lines: stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Line),
    stderr,
    code,
  };
}

describe("pnpm bench extproc --against", () => {
  it("sends both servers the same load in turn, and says how they compare", async () => {
    const { lines, code, stderr } = await bench("--against", `127.0.0.1:${await startSlowServer()}`, "--rounds", "2");
    expect({ code, failure: code === 0 ? "" : stderr }).toEqual({ code: 0, failure: "" });
    expect(lines.map(({ target, ratio }) => target ?? ratio)).toEqual(["turnout", "against", "against", "turnout", "against/turnout"]);
    for (const line of lines.slice(0, 4)) {
      expect(line).toMatchObject({ scope: "extproc", words: 10, clients: 2, n: REQUESTS, answered: REQUESTS, errors: {} });
      expect(line["generatorCpuMsPerRequest"]).toBeGreaterThan(0);
    }
    expect(lines[0]).toMatchObject({ routingMs: { p50: expect.any(Number) as number }, capacityPerSecond: expect.any(Number) as number });
    expect(lines[1]).not.toHaveProperty("routingMs");
    const ratio = lines[4] as { p50: number; p99: number; requestsPerSecond: number };
    expect(ratio.p50).toBeGreaterThan(1);
    expect(ratio.p99).toBeGreaterThan(1);
    expect(ratio.requestsPerSecond).toBeGreaterThan(1);
  });

  it("counts what a server that is not there answers, and fails", async () => {
    const { lines, code, stderr } = await bench("--against", "127.0.0.1:1", "--rounds", "1");
    expect(code).toBe(1);
    expect(stderr).toContain("127.0.0.1:1 has answered nothing");
    expect(lines[1]).toMatchObject({ target: "against", n: 0, answered: 0, requestMs: { p50: null, p99: null } });
    const errors = Object.values(lines[1]?.["errors"] as Record<string, number>);
    expect(errors.reduce((sum, count) => sum + count, 0)).toBe(REQUESTS);
    expect(lines[2]).toMatchObject({ ratio: "against/turnout", p50: null, p99: null, requestsPerSecond: null });
  });
});
