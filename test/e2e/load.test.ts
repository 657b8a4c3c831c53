/**
 * The trap of Node behind Envoy: Envoy ends each ext_proc stream with a reset, and Node's HTTP/2 server allows 1000 of them and then 33
 * per second before it drops the connection and the requests on it. The server raises that limit; here is what it is worth. Envoy's
 * graceful close, which would hide the trap, is off.
 */
import { afterEach, describe, expect, it } from "vitest";
import { skipReason, startEnvoy, withoutEnvoy } from "./envoy.ts";
import { runLoad, type LoadProgress, type LoadReport } from "./load.ts";
import { startProcessorProcess } from "./node-process.ts";
import { routingConfig } from "./routing-config.ts";
import { CHOSEN_MODEL } from "./scripted-exchange.ts";
import { startTurnout } from "./turnout.ts";
import { startUpstream } from "./upstream.ts";

const REQUESTS = 6_000;
const CONCURRENCY = 32;
const ENVOY_WORKERS = 2;
/** Node's own limits on resets per connection. */
const RESET_BURST = 1_000;
const RESETS_PER_SECOND = 33;

interface Router {
  readonly port: number;
  readonly stop: () => Promise<void>;
}

interface Run extends LoadReport {
  readonly connections: number;
  readonly resets: number;
}

describe.skipIf(withoutEnvoy)(`Load through real Envoy${skipReason}`, () => {
  const cleanUp: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    await Promise.all(cleanUp.splice(0).map((close) => close()));
  });

  async function load(startRouter: () => Promise<Router>): Promise<Run> {
    const [router, general, math] = await Promise.all([startRouter(), startUpstream("general"), startUpstream("math")]);
    cleanUp.push(router.stop, general.close, math.close);
    const envoy = await startEnvoy({
      ports: { processor: router.port, general: general.port, math: math.port },
      listeners: ["buffered"],
      gracefulClose: false,
    });
    cleanUp.push(envoy.stop);
    const options = { port: envoy.port("buffered"), concurrency: CONCURRENCY, more: ({ begun }: LoadProgress) => begun < REQUESTS };
    const report = await runLoad(options, CHOSEN_MODEL);
    const stats = await envoy.stats("cluster.processor.");
    return {
      ...report,
      connections: stats.get("cluster.processor.upstream_cx_total") ?? 0,
      resets: stats.get("cluster.processor.http2.tx_reset") ?? 0,
    };
  }

  const scripted = (resetLimits: "raised" | "node-default") => async (): Promise<Router> => {
    const { port, stop } = await startProcessorProcess(resetLimits);
    return { port, stop: () => stop() };
  };
  const product = async (): Promise<Router> => {
    const { extprocPort, stop } = await startTurnout(routingConfig);
    return { port: extprocPort, stop };
  };

  it.each([
    { name: "the ExtProc server", router: scripted("raised") },
    { name: "turnout serve", router: product },
  ])("$name answers 6000 requests at concurrency 32, one connection per Envoy worker, none failed", async ({ name, router }) => {
    const run = await load(router);
    console.log(name, run);
    expect({ outcomes: run.outcomes, routed: run.routed }).toEqual({ outcomes: { 200: REQUESTS }, routed: REQUESTS });
    expect(run.connections).toBe(ENVOY_WORKERS);
    // Otherwise the run has not been through the trap.
    expect(run.resets).toBeGreaterThan(ENVOY_WORKERS * (RESET_BURST + RESETS_PER_SECOND * run.seconds));
  });

  it("the ExtProc server would fail requests or lose connections with Node's own limits", async () => {
    const run = await load(scripted("node-default"));
    console.log("Node's own limits", run);
    expect(run.connections > ENVOY_WORKERS || run.outcomes["200"] !== REQUESTS).toBe(true);
  });
});
