/**
 * A real Envoy for tests: started on ports that the system picks, ready when its admin endpoint says so, stopped in afterAll. The
 * binary comes from `node scripts/tools.mjs envoy`; where it is not installed, suites are skipped by name.
 */
import { spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { startChild, until } from "./child-process.ts";
import { envoyConfig, type AccessLogEntry, type EnvoyConfigOptions, type ListenerName } from "./envoy-config.ts";

const INSTALL_HINT = "Envoy is not installed: node scripts/tools.mjs envoy";
/** Two workers, so that tests see what more than one connection does; the access log is written at once instead of every 10 s. */
const ENVOY_FLAGS = "--concurrency 2 --disable-hot-restart --log-level warning --file-flush-interval-msec 10 --drain-time-s 1";
const START_LIMIT_MS = 20_000;
const ACCESS_LOG_LIMIT_MS = 5_000;

/** The binary's path, or null when it is not installed. */
export const envoyBinary = findEnvoy();

function findEnvoy(): string | null {
  const tools = fileURLToPath(new URL("../../scripts/tools.mjs", import.meta.url));
  const { status, stdout } = spawnSync(process.execPath, [tools, "envoy", "--path"], { encoding: "utf8", timeout: 10_000 });
  return status === 0 ? stdout.trim() : null;
}

/**
 * Suites say `describe.skipIf(withoutEnvoy)(`…${skipReason}`, …)`. Under CI=true nothing may be skipped: the suite then runs, and fails
 * on starting Envoy.
 */
export const withoutEnvoy = envoyBinary === null && process.env["CI"] !== "true";

/** skipReason ends a skipped suite's name with the command that installs the missing part. */
export const skipReason = withoutEnvoy ? ` [skipped: ${INSTALL_HINT}]` : "";

export interface Envoy {
  port(listener: ListenerName): number;
  /** Counters and gauges whose name starts with `prefix`. */
  stats(prefix: string): Promise<ReadonlyMap<string, number>>;
  /** The access log's line of the request that carried `x-case: <id>`. */
  accessLogOf(id: string): Promise<AccessLogEntry>;
  stop(): Promise<void>;
}

/** startEnvoy starts Envoy with a generated configuration. */
export async function startEnvoy(options: EnvoyConfigOptions): Promise<Envoy> {
  const { listening, ...running } = await runEnvoy(JSON.stringify(envoyConfig(options)));
  return {
    ...running,
    port(listener) {
      const port = listening.get(listener);
      if (port === undefined) throw new Error(`listener ${listener} was not asked for`);
      return port;
    },
  };
}

/** runEnvoy starts Envoy with any configuration, in JSON or YAML; `listening` has the port of each listener by name. */
export async function runEnvoy(config: string): Promise<Omit<Envoy, "port"> & { readonly listening: ReadonlyMap<string, number> }> {
  if (envoyBinary === null) throw new Error(INSTALL_HINT);
  const folder = await mkdtemp(join(tmpdir(), "turnout-envoy-"));
  const configFile = join(folder, "envoy.yaml");
  const adminFile = join(folder, "admin");
  await writeFile(configFile, config);

  const accessLog = new Map<string, AccessLogEntry>();
  const child = startChild({
    command: envoyBinary,
    args: ["--config-path", configFile, "--admin-address-path", adminFile, ...ENVOY_FLAGS.split(" ")],
    onLine(line, stream) {
      if (stream !== "stdout" || !line.startsWith("{")) return;
      const entry = JSON.parse(line) as AccessLogEntry;
      if (entry.case !== null) accessLog.set(entry.case, entry);
    },
  });
  let gone = false;
  void child.exited.then(() => (gone = true));
  const stop = async () => {
    await child.stop();
    await rm(folder, { recursive: true, force: true });
  };

  try {
    const explain = () => `Envoy is not ready:\n${child.tail()}`;
    const admin = await until(explain, START_LIMIT_MS, async () => {
      if (gone) throw new Error(`Envoy ended:\n${child.tail()}`);
      const address = await readFile(adminFile, "utf8").catch(() => "");
      if (address === "") return null;
      const ready = await fetch(`http://${address}/ready`).catch(() => null);
      return ready?.status === 200 ? `http://${address}` : null;
    });
    const listening = parseListeners(await text(`${admin}/listeners?format=json`));
    return {
      listening,
      stop,
      stats: async (prefix) => parseStats(await text(`${admin}/stats?usedonly&filter=^${encodeURIComponent(prefix)}`)),
      accessLogOf: (id) =>
        until(
          () => `no access log line for case ${id}`,
          ACCESS_LOG_LIMIT_MS,
          () => Promise.resolve(accessLog.get(id) ?? null),
        ),
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function text(url: string): Promise<string> {
  const response = await fetch(url, { signal: AbortSignal.timeout(5_000) });
  return response.text();
}

interface ListenerStatuses {
  readonly listener_statuses: readonly {
    readonly name: string;
    readonly local_address: { readonly socket_address: { readonly port_value: number } };
  }[];
}

function parseListeners(json: string): ReadonlyMap<string, number> {
  const { listener_statuses: statuses } = JSON.parse(json) as ListenerStatuses;
  return new Map(statuses.map(({ name, local_address: address }) => [name, address.socket_address.port_value]));
}

/** Lines are `name: 12`; histograms have text instead of a number and are left out. */
function parseStats(lines: string): ReadonlyMap<string, number> {
  const entries = lines
    .split("\n")
    .map((line) => line.split(": "))
    .map(([name = "", value = ""]) => [name, Number(value)] as const);
  return new Map(entries.filter(([name, value]) => name !== "" && !Number.isNaN(value)));
}
