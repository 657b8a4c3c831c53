/** `pnpm bench cache`: the benchmark as its reader runs it, small: what it calls a hit is one, and what it calls a miss is none. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, it } from "vitest";

const BENCH = fileURLToPath(new URL("../../bench/run.ts", import.meta.url));
const REQUESTS = 12;

type Line = Readonly<Record<string, unknown>>;

it("pnpm bench cache measures what it says", async () => {
  const load = ["--backend", "deterministic", "--requests", String(REQUESTS), "--clients", "2", "--rounds", "1", "--kept", "20"];
  const { stdout } = await promisify(execFile)(process.execPath, ["--conditions=source", BENCH, "cache", "--json", ...load], {
    timeout: 110_000,
  });
  const lines = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Line);
  const measured = lines.filter(({ store }) => store !== undefined);
  expect(measured.map(({ what, store, n, hits, errors }) => [what, store, n, hits, errors])).toEqual([
    ["named model", "none", REQUESTS, 0, 0],
    ["named model", "memory", REQUESTS, 0, 0],
    ["exact hit", "memory", REQUESTS, REQUESTS, 0],
    ["semantic hit", "memory", REQUESTS, REQUESTS, 0],
    ["miss, exact only", "none", REQUESTS, 0, 0],
    ["miss, exact only", "memory", REQUESTS, 0, 0],
    ["miss", "none", REQUESTS, 0, 0],
    ["miss", "memory", REQUESTS, 0, 0],
  ]);
  const ratios = lines.filter(({ ratio }) => ratio !== undefined);
  expect(ratios.map(({ what, ratio }) => [what, ratio])).toEqual(
    ["named model", "miss, exact only", "miss"].map((what) => [what, "none/memory"]),
  );
  for (const line of ratios) expect(line["p50"]).toBeGreaterThan(0);
});
