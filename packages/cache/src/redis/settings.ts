/**
 * Where Redis is. `redisBlock` reads vLLM Semantic Router's block `stores.response_cache.redis`, `redisTuning` what it lacks (Sentinel,
 * Cluster, users, password files) and stands under `turnout.response_cache.redis`; `redisSettings` makes the plain object that the rest of
 * this folder takes. What only a search module would need (`index`, `search`, `development`, `logging`) is accepted and has no effect here.
 */
import { z } from "zod";

const DEFAULT_PORT = 6_379;
const SENTINEL_PORT = 26_379;
const DEFAULT_CONNECT_TIMEOUT_MS = 500;
/** Connecting happens in the background; waiting longer for one attempt would only delay the next. */
const MAX_CONNECT_TIMEOUT_MS = 5_000;

const MAX_PORT = 65_535;

const address = z
  .string()
  .regex(/^(\[[^\]]+\]|[^:[\]]+)(:\d{1,5})?$/, "expected host:port")
  .refine((text) => {
    const { port } = parseAddress(text, DEFAULT_PORT);
    return port >= 1 && port <= MAX_PORT;
  }, `expected a port from 1 to ${MAX_PORT}`);
const inert = z.record(z.string(), z.unknown()).optional().describe("Accepted without effect: no search module is needed.");
const file = z.string().optional();

const tls = z
  .strictObject({
    enabled: z.boolean().default(false).describe("Speak TLS to Redis."),
    ca_file: file.describe("Authority of the server's certificate (PEM). Default: the system's authorities."),
    cert_file: file.describe("Our certificate (PEM), where the server asks for one (mTLS)."),
    key_file: file.describe("Key of cert_file (PEM)."),
  })
  .refine(({ cert_file, key_file }) => !cert_file === !key_file, "cert_file and key_file go together");

/** redisBlock is the schema of `stores.response_cache.redis`. */
export const redisBlock = z.strictObject({
  connection: z
    .strictObject({
      host: z.string().min(1).default("127.0.0.1").describe("Not read where turnout.response_cache.redis names a Cluster or Sentinels."),
      port: z.int().min(1).max(MAX_PORT).default(DEFAULT_PORT),
      database: z.int().min(0).default(0).describe("Not read on a Cluster, which has one database."),
      password: z.string().optional().describe("Or turnout.response_cache.redis.password_file, which wins."),
      timeout: z.number().min(0).optional().describe("Seconds for connecting, at most 5. Default: 0.5."),
      tls: tls.optional(),
    })
    .prefault({})
    .describe("Where Redis is."),
  index: inert,
  search: inert,
  development: inert,
  logging: inert,
});

/** redisTuning is the schema of `turnout.response_cache.redis`. */
export const redisTuning = z
  .strictObject({
    username: z.string().min(1).optional().describe("ACL user; docs/response-cache.md has the least that it must be allowed."),
    password_file: z.string().min(1).optional().describe("File with the password; read again when Redis refuses the one we have."),
    server_name: z.string().min(1).optional().describe("Name in the server's certificate. Default: the host."),
    cluster: z
      .strictObject({ nodes: z.array(address).min(1).describe("`host:port` of some nodes; the others are found.") })
      .optional()
      .describe("A Redis Cluster instead of one server."),
    sentinel: z
      .strictObject({
        name: z.string().min(1).describe("Name of the master."),
        nodes: z.array(address).min(1).describe("`host:port` of the Sentinels."),
        username: z.string().min(1).optional().describe("ACL user of the Sentinels."),
        password: z.string().min(1).optional().describe("Password of the Sentinels."),
      })
      .optional()
      .describe("A master that Sentinels know, instead of one server."),
    key_prefix: z
      .string()
      .regex(/^[\w.-]{1,64}$/, "expected letters, digits, '.', '_' or '-', at most 64")
      .default("turnout")
      .describe("Beginning of every key; deployments that must not share answers need different ones."),
    command_timeout_ms: z.int().min(1).max(10_000).default(25).describe("How long a lookup waits for Redis, in milliseconds."),
  })
  .refine(({ cluster, sentinel }) => cluster === undefined || sentinel === undefined, "either cluster or sentinel");

export type RedisBlock = z.output<typeof redisBlock>;
export type RedisTuning = z.output<typeof redisTuning>;

export interface RedisAddress {
  readonly host: string;
  readonly port: number;
}

/** RedisTopology says what kind of Redis it is, and where. */
export type RedisTopology =
  | ({ readonly kind: "standalone" } & RedisAddress)
  | {
      readonly kind: "sentinel";
      readonly name: string;
      readonly nodes: readonly RedisAddress[];
      readonly username?: string;
      readonly password?: string;
    }
  | { readonly kind: "cluster"; readonly nodes: readonly RedisAddress[] };

export interface RedisTls {
  readonly caFile?: string;
  readonly certFile?: string;
  readonly keyFile?: string;
  readonly serverName?: string;
}

/** RedisSettings is everything needed to reach Redis. */
export interface RedisSettings {
  readonly topology: RedisTopology;
  readonly database: number;
  readonly username?: string;
  readonly password?: string;
  readonly passwordFile?: string;
  readonly tls?: RedisTls;
  readonly keyPrefix: string;
  readonly connectTimeoutMs: number;
  /** Limit of one lookup. */
  readonly commandTimeoutMs: number;
}

/** redisSettings turns the checked blocks into settings. Empty strings mean "not set", as in vSR's files. */
export function redisSettings({ connection }: RedisBlock, tuning: RedisTuning): RedisSettings {
  const { host, port, database, password, timeout, tls: secure } = connection;
  const { username, password_file: passwordFile, key_prefix: keyPrefix, command_timeout_ms: commandTimeoutMs } = tuning;
  const connectTimeoutMs = timeout ? Math.min(timeout * 1_000, MAX_CONNECT_TIMEOUT_MS) : DEFAULT_CONNECT_TIMEOUT_MS;
  return {
    topology: topologyOf(tuning, { host, port }),
    database: tuning.cluster === undefined ? database : 0,
    ...(username === undefined ? {} : { username }),
    ...(passwordFile === undefined ? (password ? { password } : {}) : { passwordFile }),
    ...(secure?.enabled ? { tls: tlsOf(secure, tuning) } : {}),
    keyPrefix,
    connectTimeoutMs,
    commandTimeoutMs,
  };
}

function topologyOf({ cluster, sentinel }: RedisTuning, standalone: RedisAddress): RedisTopology {
  if (cluster !== undefined) return { kind: "cluster", nodes: cluster.nodes.map((node) => parseAddress(node, DEFAULT_PORT)) };
  if (sentinel === undefined) return { kind: "standalone", ...standalone };
  const { name, nodes, username, password } = sentinel;
  return {
    kind: "sentinel",
    name,
    nodes: nodes.map((node) => parseAddress(node, SENTINEL_PORT)),
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
  };
}

function tlsOf({ ca_file, cert_file, key_file }: z.output<typeof tls>, { server_name }: RedisTuning): RedisTls {
  return {
    ...(ca_file ? { caFile: ca_file } : {}),
    ...(cert_file ? { certFile: cert_file } : {}),
    ...(key_file ? { keyFile: key_file } : {}),
    ...(server_name === undefined ? {} : { serverName: server_name }),
  };
}

function parseAddress(text: string, defaultPort: number): RedisAddress {
  const [, host = "", port] = /^(.+?)(?::(\d+))?$/.exec(text) ?? [];
  return { host: host.replace(/^\[|\]$/g, ""), port: port === undefined ? defaultPort : Number(port) };
}
