/** deploy/envoy/envoy.yaml is what we tell people to run: Envoy accepts it, routes with it, and loses no request when a Turnout drains. */
import { spawnSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { chat } from "./client.ts";
import { envoyBinary, runEnvoy, skipReason, withoutEnvoy } from "./envoy.ts";
import { runLoad, type LoadProgress } from "./load.ts";
import { startProcessorProcess } from "./node-process.ts";
import { CHOSEN_MODEL } from "./scripted-exchange.ts";
import { startUpstream } from "./upstream.ts";

const shippedFile = fileURLToPath(new URL("../../deploy/envoy/envoy.yaml", import.meta.url));

interface SocketAddress {
  address: string;
  port_value: number;
}
interface Endpoint {
  endpoint: { address: { socket_address: SocketAddress } };
}
/** The places of a bootstrap configuration that a test has to move to free ports. */
interface Bootstrap {
  admin: { address: { socket_address: SocketAddress } };
  static_resources: {
    listeners: { address: { socket_address: SocketAddress } }[];
    clusters: { name: string; load_assignment: { endpoints: { lb_endpoints: Endpoint[] }[] } }[];
  };
}

/** movedTo is the shipped configuration with its three addresses changed and nothing else. */
async function movedTo(ports: { readonly turnout: readonly number[]; readonly models: number }): Promise<string> {
  const config = parse(await readFile(shippedFile, "utf8")) as Bootstrap;
  const loopback = (port: number): SocketAddress => ({ address: "127.0.0.1", port_value: port });
  config.admin.address.socket_address = loopback(0);
  for (const listener of config.static_resources.listeners) listener.address.socket_address = loopback(0);
  for (const cluster of config.static_resources.clusters) {
    const endpoints = cluster.name === "turnout" ? ports.turnout : [ports.models];
    cluster.load_assignment.endpoints = [
      { lb_endpoints: endpoints.map((port) => ({ endpoint: { address: { socket_address: loopback(port) } } })) },
    ];
  }
  return JSON.stringify(config);
}

describe.skipIf(withoutEnvoy)(`The shipped Envoy configuration${skipReason}`, () => {
  const cleanUp: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    await Promise.all(cleanUp.splice(0).map((close) => close()));
  });

  async function start(routers: number) {
    const processors = await Promise.all(Array.from({ length: routers }, () => startProcessorProcess("raised")));
    const models = await startUpstream("models");
    cleanUp.push(models.close, ...processors.map((processor) => () => processor.stop()));
    const envoy = await runEnvoy(await movedTo({ turnout: processors.map(({ port }) => port), models: models.port }));
    cleanUp.push(envoy.stop);
    return { processors, models, envoy, port: envoy.listening.get("openai") ?? 0 };
  }

  it("is valid as it stands", () => {
    const { status, stdout, stderr } = spawnSync(envoyBinary ?? "", ["--mode", "validate", "-c", shippedFile], {
      encoding: "utf8",
      timeout: 20_000,
    });
    expect({ status, output: stdout + stderr }).toMatchObject({ status: 0, output: expect.stringContaining("OK") as string });
  });

  it("routes a request", async () => {
    const { port, models } = await start(1);
    const response = await chat(port, "shipped", '{"model":"auto","messages":[]}');
    expect(response.status).toBe(200);
    expect(response.headers["x-vsr-selected-model"]).toBe(CHOSEN_MODEL);
    expect(models.requestsOf("shipped").map((request) => request.body.toString())).toEqual([`{"model":"${CHOSEN_MODEL}","messages":[]}`]);
  });

  it("loses and misses no request when one of two routers drains on SIGTERM under load", async () => {
    const { processors, port } = await start(2);
    let progress: LoadProgress = { begun: 0, routed: 0 };
    let enough = false;
    const more = (now: LoadProgress) => {
      progress = now;
      return !enough;
    };
    const load = runLoad({ port, concurrency: 16, more }, CHOSEN_MODEL);
    await expect.poll(() => progress.begun, { timeout: 20_000 }).toBeGreaterThan(500);
    processors[0]?.kill("SIGTERM");
    expect(await processors[0]?.exited).toBe(0);
    const drainedAt = progress.begun;
    await expect.poll(() => progress.begun, { timeout: 20_000 }).toBeGreaterThan(drainedAt + 500);
    enough = true;
    const report = await load;
    console.log("drain", report);
    expect({ outcomes: report.outcomes, routed: report.routed }).toEqual({ outcomes: { 200: report.requests }, routed: report.requests });
  });
});
