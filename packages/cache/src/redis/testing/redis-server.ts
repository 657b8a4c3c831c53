/**
 * A real Redis for tests: on a port that the system picks, with nothing on disk outside its own folder, killed with the test process. The
 * programs come from `node scripts/redis-servers.mjs`; where one is missing, suites are skipped by name, except under CI=true.
 */
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Redis } from "ioredis";

export type ServerName = "redis" | "redis-8" | "valkey-8";

const START_LIMIT_MS = 15_000;
const POLL_MS = 10;
const TAIL_CHARS = 4_000;

/** serverCommand gives the words that start a server, or null when it is not installed. */
export function serverCommand(name: ServerName): readonly string[] | null {
  const script = fileURLToPath(new URL("../../../../../scripts/redis-servers.mjs", import.meta.url));
  const { status, stdout } = spawnSync(process.execPath, [script, name, "--command"], { encoding: "utf8", timeout: 10_000 });
  return status === 0 ? (JSON.parse(stdout) as string[]) : null;
}

export interface ServerChoice {
  readonly server: ServerName;
  readonly skipped: boolean;
  /** Ends the name of a suite: why it is skipped. */
  readonly reason: string;
}

/**
 * serverChoice says whether a suite can have this server. Under CI=true nothing needs to be skipped for want of the machine's own Redis:
 * the suite then runs, and fails on starting it. The newer ones are not to be had everywhere.
 */
export function serverChoice(server: ServerName): ServerChoice {
  const skipped = serverCommand(server) === null && (server !== "redis" || process.env["CI"] !== "true");
  return { server, skipped, reason: skipped ? ` [skipped: not installed: node scripts/redis-servers.mjs ${server}]` : "" };
}

/** Suites say `describe.skipIf(withoutRedis)(`…${skipReason}`, …)`. */
export const { skipped: withoutRedis, reason: skipReason } = serverChoice("redis");

export interface RedisServer {
  readonly port: number;
  readonly folder: string;
  /** A client for the test's own commands, without limits. */
  readonly client: Redis;
  signal(signal: NodeJS.Signals): void;
  /** Kills it; resolves once it is gone. */
  kill(): Promise<void>;
  /** Starts it again on the same port, with the same folder. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

export interface RedisServerOptions {
  readonly server?: ServerName;
  /** Configuration as command line words, such as `["--maxmemory", "10mb"]`. */
  readonly args?: readonly string[];
  readonly port?: number;
  /** Password of the test's own client. */
  readonly password?: string;
  /** Set when the plain port is closed: the test's own client needs TLS. */
  readonly tls?: { readonly ca: Buffer; readonly cert?: Buffer; readonly key?: Buffer };
}

/** startRedis starts a server and waits until it answers. */
export async function startRedis(options: RedisServerOptions = {}): Promise<RedisServer> {
  const { server = "redis", args = [], password, tls } = options;
  const command = serverCommand(server);
  if (command === null) throw new Error(`${server} is not installed: node scripts/redis-servers.mjs ${server}`);
  const folder = mkdtempSync(join(tmpdir(), "turnout-redis-"));
  const port = options.port ?? (await freePort());
  const listen = tls === undefined ? ["--port", String(port)] : ["--port", "0", "--tls-port", String(port)];
  const words = [...command, ...listen, "--bind", "127.0.0.1", "--dir", folder, "--save", "", "--logfile", "", ...args];
  const client = new Redis({
    host: "127.0.0.1",
    port,
    lazyConnect: true,
    maxRetriesPerRequest: null,
    retryStrategy: () => POLL_MS,
    ...(password === undefined ? {} : { password }),
    ...(tls === undefined ? {} : { tls: { ...tls, servername: "localhost" } }),
  });
  client.on("error", () => undefined);
  let child: ChildProcess | null = null;
  const killAtExit = () => void child?.kill("SIGKILL");
  process.once("exit", killAtExit);

  async function start(): Promise<void> {
    let tail = "";
    const started = spawn(words[0]!, words.slice(1), { stdio: ["ignore", "pipe", "pipe"] });
    child = started;
    for (const stream of [started.stdout, started.stderr])
      stream.on("data", (text: Buffer) => (tail = (tail + text.toString()).slice(-TAIL_CHARS)));
    const deadline = performance.now() + START_LIMIT_MS;
    for (;;) {
      if (started.exitCode !== null) throw new Error(`${server} ended:\n${tail}`);
      const answer = await client.ping().catch((error: unknown) => String(error));
      if (answer === "PONG") return;
      if (performance.now() > deadline) throw new Error(`${server} does not answer (${answer}):\n${tail}`);
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }

  async function kill(): Promise<void> {
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, "exit");
    child.kill("SIGKILL");
    await gone;
  }

  async function stop(): Promise<void> {
    client.disconnect();
    await kill();
    process.off("exit", killAtExit);
    rmSync(folder, { recursive: true, force: true });
  }

  try {
    await start();
  } catch (error) {
    await stop();
    throw error;
  }
  return { port, folder, client, signal: (signal) => void child?.kill(signal), kill, restart: start, stop };
}

/** freePort asks the system for a port that nobody uses at this moment. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
