import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { fileURLToPath } from "node:url";
import { credentials, makeClientConstructor, type ServiceError, type ServiceDefinition } from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { serviceName } from "@turnout/extproc/envoy";
import { silentLogger } from "@turnout/shared";
import { afterEach, describe, expect, it } from "vitest";
import { GatewaySimulator } from "./gateway-simulator.ts";
import { unchanged } from "./scripted-exchange.ts";
import { startServer, type ServerUnderTest } from "./server-under-test.ts";

const started: ServerUnderTest[] = [];
const gateways: GatewaySimulator[] = [];
const start = async (...options: Parameters<typeof startServer>): Promise<ServerUnderTest> => {
  const under = await startServer(...options);
  started.push(under);
  return under;
};
const connect = (...options: ConstructorParameters<typeof GatewaySimulator>): GatewaySimulator => {
  const gateway = new GatewaySimulator(...options);
  gateways.push(gateway);
  return gateway;
};
afterEach(async () => {
  for (const gateway of gateways.splice(0)) gateway.close();
  await Promise.all(started.splice(0).map(({ server }) => server.drain(100)));
});

const tlsFile = (name: string): string => fileURLToPath(new URL(`fixtures/tls/${name}`, import.meta.url));
const pem = (name: string): Buffer => readFileSync(tlsFile(name));
const request = { chunks: [Buffer.from('{"model":"auto"}')] };
const upstream = () => ({});

/** A server that reflects itself can be called by a client that knows no .proto; ours knows this one. */
function health(address: string) {
  const definition = loadSync("health.proto", { includeDirs: [fileURLToPath(new URL("fixtures", import.meta.url))], enums: String });
  const Client = makeClientConstructor(definition["grpc.health.v1.Health"] as ServiceDefinition, "Health");
  const client = new Client(address, credentials.createInsecure());
  return {
    check: (service: string) =>
      new Promise<string>((resolve, reject) => {
        client["Check"]?.({ service }, (error: ServiceError | null, answer: { status: string }) =>
          error === null ? resolve(answer.status) : reject(error),
        );
      }),
    close: () => client.close(),
  };
}

describe("listening", () => {
  it("names the setting when the port is taken", async () => {
    const squatter = createServer();
    await new Promise<void>((resolve) => squatter.listen(0, "127.0.0.1", resolve));
    const address = squatter.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    const { server } = await start();
    await expect(server.listen("127.0.0.1", port)).rejects.toMatchObject({
      code: "port_in_use",
      message: expect.stringContaining("--port"),
    });
    squatter.close();
  });

  it("serves the health protocol for itself and for ext_proc on the same port", async () => {
    const { server, address } = await start();
    const client = health(address);
    expect(await client.check("")).toBe("SERVING");
    expect(await client.check(serviceName)).toBe("SERVING");
    server.setServing(false);
    expect(await client.check("")).toBe("NOT_SERVING");
    await expect(client.check("nobody")).rejects.toMatchObject({ code: 5 });
    client.close();
  });

  it("reflects its services", async () => {
    const { address } = await start();
    const definition = loadSync("reflection.proto", { includeDirs: [fileURLToPath(new URL("fixtures", import.meta.url))] });
    const Client = makeClientConstructor(definition["grpc.reflection.v1.ServerReflection"] as ServiceDefinition, "ServerReflection");
    const client = new Client(address, credentials.createInsecure());
    const call = client["ServerReflectionInfo"]?.();
    call.on("error", () => {});
    call.write({ listServices: "" });
    const answer = await new Promise<{ listServicesResponse: { service: { name: string }[] } }>((resolve) => call.on("data", resolve));
    expect(answer.listServicesResponse.service.map(({ name }) => name)).toEqual(
      expect.arrayContaining([serviceName, "grpc.health.v1.Health"]),
    );
    call.end();
    client.close();
  });

  it("counts connections, and a gateway's many streams use one", async () => {
    const under = await start();
    const gateway = connect(under.address, "envoy");
    await Promise.all(Array.from({ length: 50 }, () => gateway.send(request, upstream)));
    expect(await under.reading("extproc_connections_total")).toBe(1);
    expect(await under.reading("extproc_streams_total")).toBe(50);
  });

  it("takes messages up to its limit and ends the stream beyond it", async () => {
    const under = await start({ maxMessageBytes: 2 * 1024 * 1024 });
    const gateway = connect(under.address, "envoy");
    const settings = { requestBodyMode: "BUFFERED" } as const;
    under.exchanges.script = { head: () => ({ kind: "passThrough", changes: { set: [], remove: [] } }) };
    const small = await gateway.send({ chunks: [Buffer.alloc(1_500_000)] }, upstream, { ...settings, allowModeOverride: false });
    expect(small.upstream?.body.length).toBe(1_500_000);
    await expect(gateway.send({ chunks: [Buffer.alloc(3_000_000)] }, upstream, { ...settings, allowModeOverride: false })).rejects.toThrow(
      /8/,
    );
  });
});

it("says once that streamed bodies are routed although the configuration has them off", async () => {
  const warnings: unknown[] = [];
  const logger = Object.assign(Object.create(silentLogger) as typeof silentLogger, { warn: (message: unknown) => warnings.push(message) });
  const under = await start({ logger });
  under.exchanges.limits_ = { ...under.exchanges.limits_, streamedBody: false };
  const gateway = connect(under.address, "envoy");
  for (const requestBodyMode of ["STREAMED", "FULL_DUPLEX_STREAMED"] as const) await gateway.send(request, upstream, { requestBodyMode });
  expect(warnings).toEqual([expect.stringContaining("streamed_body")]);
});

describe("TLS", () => {
  const server = { certPath: tlsFile("server.pem"), keyPath: tlsFile("server.key") };

  it("serves over TLS", async () => {
    const { port } = await start({ tls: server });
    const outcome = await connect(`localhost:${port}`, "agentgateway", credentials.createSsl(pem("ca.pem"))).send(request, upstream);
    expect(outcome.upstream?.body.toString()).toBe('{"model":"expert"}');
    await expect(connect(`localhost:${port}`, "agentgateway").send(request, upstream)).rejects.toThrow(/stream ended/);
  });

  it("asks for a certificate of its client CA", async () => {
    const { port } = await start({ tls: { ...server, clientCaPath: tlsFile("ca.pem") } });
    const mine = credentials.createSsl(pem("ca.pem"), pem("client.key"), pem("client.pem"));
    const foreign = credentials.createSsl(pem("ca.pem"), pem("other-client.key"), pem("other-client.pem"));
    expect((await connect(`localhost:${port}`, "envoy", mine).send(request, upstream)).upstream?.body.toString()).toBe(
      '{"model":"expert"}',
    );
    await expect(connect(`localhost:${port}`, "envoy", foreign).send(request, upstream)).rejects.toThrow(/stream ended/);
    await expect(connect(`localhost:${port}`, "envoy", credentials.createSsl(pem("ca.pem"))).send(request, upstream)).rejects.toThrow(
      /stream ended/,
    );
  });

  it.each([
    ["a key of another certificate", { ...server, keyPath: tlsFile("client.key") }],
    ["a certificate that is none", { ...server, certPath: tlsFile("server.key") }],
    ["a client CA that is none", { ...server, clientCaPath: tlsFile("server.key") }],
  ])("refuses %s when it starts, by the files' names", async (_, tls) => {
    await expect(start({ tls })).rejects.toMatchObject({ code: "config_invalid", message: expect.stringContaining(tls.keyPath) as string });
  });

  it("says which file it cannot read", async () => {
    await expect(start({ tls: { ...server, keyPath: "/nowhere.key" } })).rejects.toMatchObject({
      code: "config_invalid",
      message: expect.stringContaining("/nowhere.key"),
    });
  });
});

describe("draining", () => {
  it("finishes what is open, refuses what is new, and then closes", async () => {
    const under = await start();
    const gates: (() => void)[] = [];
    under.exchanges.script = {
      body: async () => {
        await new Promise<void>((resolve) => gates.push(resolve));
        return unchanged;
      },
    };
    const gateway = connect(under.address, "agentgateway");
    const pending = Array.from({ length: 20 }, () => gateway.send(request, upstream));
    await expect.poll(() => gates.length, { interval: 1 }).toBe(20);
    const drained = under.server.drain(5000);
    for (const open of gates) open();
    const outcomes = await Promise.all(pending);
    expect(outcomes.every(({ status }) => status === 200)).toBe(true);
    await drained;
    await expect(gateway.send(request, upstream)).rejects.toThrow(/stream ended/);
  });

  it("loses no request of a gateway that keeps sending until it is told to stop", async () => {
    const first = await start();
    const second = await start();
    // Like a gateway: a new connection to another endpoint as soon as the first one says GOAWAY.
    let target = connect(first.address, "envoy");
    const successor = connect(second.address, "envoy");
    let sent = 0;
    const work = { stop: false };
    const worker = async (): Promise<void> => {
      while (!work.stop) {
        const outcome = await target.send(request, upstream);
        expect(outcome.upstream?.body.toString()).toBe('{"model":"expert"}');
        sent += 1;
      }
    };
    const workers = Array.from({ length: 8 }, worker);
    await expect.poll(() => sent, { interval: 1 }).toBeGreaterThan(50);
    // The endpoint list is updated at the moment the drain begins; requests already under way must still pass.
    const drained = first.server.drain(5000);
    target = successor;
    await drained;
    work.stop = true;
    await Promise.all(workers);
    expect(first.server.openStreams).toBe(0);
  });

  it("cuts what is still open when the time is up, and aborts its work", async () => {
    const under = await start();
    under.exchanges.script = {
      body: (_body, { signal }) => new Promise((_, reject) => signal?.addEventListener("abort", () => reject(new Error("gone")))),
    };
    const pending = connect(under.address, "envoy").send(request, upstream);
    await expect.poll(() => under.exchanges.walks[0]?.body, { interval: 1 }).toBeTypeOf("string");
    await Promise.all([under.server.drain(150), expect(pending).rejects.toThrow(/stream ended/)]);
    expect(under.exchanges.last).toMatchObject({ aborted: true, closed: 1 });
    expect(under.server.openStreams).toBe(0);
  });

  it("says NOT_SERVING as soon as it begins, and stays so", async () => {
    const under = await start();
    under.exchanges.script = { body: () => new Promise(() => {}) };
    const pending = connect(under.address, "envoy").send(request, upstream);
    const client = health(under.address);
    expect(await client.check("")).toBe("SERVING");
    await expect.poll(() => under.exchanges.walks[0]?.body, { interval: 1 }).toBeTypeOf("string");
    const drained = under.server.drain(300);
    under.server.setServing(true);
    const status = await client.check("").catch(() => "refused");
    expect(["NOT_SERVING", "refused"]).toContain(status);
    await Promise.all([drained, expect(pending).rejects.toThrow(/stream ended/)]);
    client.close();
  });
});
