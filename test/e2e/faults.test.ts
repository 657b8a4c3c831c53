/**
 * The router is killed under load and comes back on the same port. What clients see meanwhile is Envoy's failure_mode_allow: with it every
 * request is answered, without it those of the gap fail; in both cases routing resumes by itself.
 */
import { afterEach, describe, expect, it } from "vitest";
import { skipReason, startEnvoy, withoutEnvoy } from "./envoy.ts";
import { runLoad, type LoadProgress } from "./load.ts";
import { startProcessorProcess } from "./node-process.ts";
import { CHOSEN_MODEL } from "./scripted-exchange.ts";
import { startUpstream } from "./upstream.ts";

const STEP = 300;
const CONCURRENCY = 8;

describe.skipIf(withoutEnvoy)(`A router killed under load${skipReason}`, () => {
  const cleanUp: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    await Promise.all(cleanUp.splice(0).map((close) => close()));
  });

  async function killAndRestart(listener: "buffered" | "bufferedAllow") {
    const [processor, general, math] = await Promise.all([
      startProcessorProcess("raised"),
      startUpstream("general"),
      startUpstream("math"),
    ]);
    cleanUp.push(() => processor.stop(), general.close, math.close);
    const envoy = await startEnvoy({
      ports: { processor: processor.port, general: general.port, math: math.port },
      listeners: [listener],
      gracefulClose: false,
    });
    cleanUp.push(envoy.stop);

    let progress: LoadProgress = { begun: 0, routed: 0 };
    let enough = false;
    const more = (now: LoadProgress) => {
      progress = now;
      return !enough;
    };
    const load = runLoad({ port: envoy.port(listener), concurrency: CONCURRENCY, more }, CHOSEN_MODEL);
    const reaches = (what: keyof LoadProgress, value: number) =>
      expect.poll(() => progress[what], { timeout: 30_000 }).toBeGreaterThan(value);
    try {
      await reaches("routed", STEP);
      processor.kill("SIGKILL");
      await processor.exited;
      await reaches("begun", progress.begun + STEP);
      const restarted = await startProcessorProcess("raised", processor.port);
      cleanUp.push(() => restarted.stop());
      await reaches("routed", progress.routed + STEP);
    } finally {
      enough = true;
      await load;
    }
    return load;
  }

  it("answers every request with failure_mode_allow, unrouted in the gap", async () => {
    const report = await killAndRestart("bufferedAllow");
    console.log("kill, failure_mode_allow", report);
    expect(report.outcomes).toEqual({ 200: report.requests });
    expect(report.routed).toBeLessThan(report.requests);
  });

  it("fails the requests of the gap without failure_mode_allow, and never answers one unrouted", async () => {
    const report = await killAndRestart("buffered");
    console.log("kill, fail closed", report);
    expect(report.outcomes["200"]).toBe(report.routed);
    expect(Object.keys(report.outcomes).toSorted()).toEqual(["200", "500"]);
  });
});
