/**
 * The connections to Redis: one for lookups and writes, one for checks and purges, and one per shard that blocks on the log. It knows
 * ioredis and the three topologies, and nothing of entries. ioredis connects again by itself; what it does not notice (a connection that
 * is open and dead, a new password) is told it through `renew` or found out here.
 */
import { Cluster, Redis, type ClusterOptions, type RedisOptions } from "ioredis";
import { readCredentials, type Credentials } from "./credentials.ts";
import { failureReason, type FailureReason } from "./failure.ts";
import { shardsOf } from "./keys.ts";
import { ShardReader, type LogReader } from "./log-reader.ts";
import type { RedisAddress, RedisSettings } from "./settings.ts";
import { replyWithin } from "./waiting.ts";

/** Longest wait before ioredis connects again. Shorter at first; the jitter keeps fronts apart that lost Redis at the same moment. */
const MAX_RETRY_MS = 1_000;
const FIRST_RETRY_MS = 50;
/** A socket that does not close by itself within this is destroyed. */
const DISCONNECT_TIMEOUT_MS = 100;
const KEEP_ALIVE_MS = 10_000;
/** Redirections that one command of a Cluster follows. */
const MAX_REDIRECTIONS = 4;
const CLUSTER_RETRY_DELAY_MS = 20;

/** Connection is what both kinds of ioredis client can do of what we need. Replies are narrowed by the callers. */
export interface Connection {
  mgetBuffer(keys: string[]): Promise<(Buffer | null)[]>;
  set(key: string, value: string, mode: "NX"): Promise<"OK" | null>;
  unlink(...keys: string[]): Promise<number>;
  callBuffer(command: string, args: (string | Buffer | number)[]): Promise<unknown>;
  multi(commands: unknown[][]): { exec(): Promise<[error: Error | null, result: unknown][] | null> };
}

export interface RedisClientOptions {
  readonly settings: RedisSettings;
  readonly random: () => number;
  /** A connection could not be made or broke; `reason` only, because messages carry addresses. */
  readonly onFailure: (reason: FailureReason) => void;
  /** The connection for lookups is up (again). */
  readonly onReady: () => void;
}

export class RedisClient {
  readonly shards: number;
  readonly #settings: RedisSettings;
  readonly #options: RedisClientOptions;
  /** Shared with the Cluster clients, which make their connections from it: changed in place when credentials change. */
  readonly #shared: RedisOptions;
  #commands: Redis | Cluster | null = null;
  #admin: Redis | Cluster | null = null;
  readonly #readers = new Set<ShardReader>();
  #refreshing = false;
  #closed = false;

  constructor(options: RedisClientOptions) {
    this.#options = options;
    this.#settings = options.settings;
    this.shards = shardsOf(options.settings.topology.kind);
    this.#shared = commonOptions(options.settings, this.#retryStrategy);
  }

  /** connect reads the credentials and connects; it resolves after `connectTimeoutMs` at the latest. Rejects when a file cannot be read. */
  async connect(): Promise<void> {
    await this.#refresh();
    if (this.#closed) return;
    this.#commands = this.#create("commands");
    this.#admin = this.#create("admin");
    this.#commands.on("ready", this.#options.onReady);
    const attempts = Promise.allSettled([this.#commands.connect(), this.#admin.connect()]);
    await replyWithin(attempts, this.#settings.connectTimeoutMs).catch(() => undefined);
  }

  /** up is true while lookups can be sent. */
  get up(): boolean {
    return this.#commands?.status === "ready";
  }

  /** commands carries lookups and writes; admin what may take long. Both throw before `connect` is done. */
  get commands(): Connection {
    return connected(this.#commands);
  }

  get admin(): Connection {
    return connected(this.#admin);
  }

  /** renew makes ioredis drop a connection that looks alive and connect again; of a Cluster's connections, those that do not answer. */
  renew(which: "commands" | "admin"): void {
    const connection = which === "commands" ? this.#commands : this.#admin;
    if (connection instanceof Cluster) for (const node of connection.nodes()) void this.#renewIfSilent(node);
    else if (connection?.status === "ready" || connection?.status === "connect") connection.disconnect(true);
  }

  reader(shard: number): LogReader {
    const reader = new ShardReader(
      (address) => this.#createPlain(`log-${shard}`, this.#place(address), true),
      () => this.#addressFor(shard),
    );
    this.#readers.add(reader);
    return reader;
  }

  close(): void {
    this.#closed = true;
    this.#commands?.disconnect();
    this.#admin?.disconnect();
    for (const reader of this.#readers) reader.close();
  }

  readonly #retryStrategy = (attempt: number): number =>
    Math.min(FIRST_RETRY_MS * 2 ** Math.min(attempt, 10), MAX_RETRY_MS) * (0.5 + this.#options.random() / 2);

  #create(name: string): Redis | Cluster {
    const { topology } = this.#settings;
    if (topology.kind !== "cluster") return this.#createPlain(name, this.#place(undefined), false);
    const options: ClusterOptions = {
      lazyConnect: true,
      enableOfflineQueue: false,
      enableReadyCheck: false,
      maxRedirections: MAX_REDIRECTIONS,
      retryDelayOnFailover: CLUSTER_RETRY_DELAY_MS,
      retryDelayOnClusterDown: CLUSTER_RETRY_DELAY_MS,
      retryDelayOnTryAgain: CLUSTER_RETRY_DELAY_MS,
      clusterRetryStrategy: this.#retryStrategy,
      clusterNodeRetryStrategy: this.#retryStrategy,
      redisOptions: this.#shared,
    };
    const cluster = new Cluster([...topology.nodes], options);
    cluster.on("error", this.#onError);
    cluster.on("node error", this.#onError);
    // Left alone, a node is connected to by the first lookup that needs it, and that one is too late.
    cluster.on("+node", (node: Redis) => void node.connect().catch(() => undefined));
    return cluster;
  }

  /**
   * #createPlain makes a client of one server. `waits`: a command before the connection is there waits for it, instead of failing at once; a
   * reader has nothing better to do, and gives up by `renew`.
   */
  #createPlain(name: string, place: RedisOptions, waits: boolean): Redis {
    const redis = new Redis({
      ...this.#shared,
      ...place,
      connectionName: `turnout-${name}`,
      lazyConnect: !waits,
      enableOfflineQueue: waits,
    });
    redis.on("error", this.#onError);
    return redis;
  }

  /** #place says where a server is: the only one, the master that Sentinels name, or some node of a Cluster. */
  #place(node: RedisAddress | undefined): RedisOptions {
    const { topology, database, connectTimeoutMs } = this.#settings;
    switch (topology.kind) {
      case "standalone":
        return { host: topology.host, port: topology.port, db: database };
      case "cluster":
        return { ...node };
      case "sentinel":
        return {
          sentinels: [...topology.nodes],
          name: topology.name,
          db: database,
          failoverDetector: true,
          sentinelRetryStrategy: this.#retryStrategy,
          sentinelReconnectStrategy: this.#retryStrategy,
          sentinelCommandTimeout: connectTimeoutMs,
          ...(topology.username === undefined ? {} : { sentinelUsername: topology.username }),
          ...(topology.password === undefined ? {} : { sentinelPassword: topology.password }),
          ...(this.#shared.tls === undefined ? {} : { enableTLSForSentinelMode: true, sentinelTLS: this.#shared.tls }),
        };
    }
  }

  /** #addressFor names some node of a Cluster: it knows the shard's master, and says so by MOVED. */
  #addressFor(shard: number): RedisAddress | undefined {
    const { topology } = this.#settings;
    if (topology.kind !== "cluster") return undefined;
    const known = this.#admin instanceof Cluster ? this.#admin.nodes("master").map(({ options: { host, port } }) => ({ host, port })) : [];
    const alive = known.filter((node): node is RedisAddress => node.host !== undefined && node.port !== undefined);
    const nodes = alive.length > 0 ? alive : topology.nodes;
    return nodes[(shard + Math.floor(this.#options.random() * nodes.length)) % nodes.length];
  }

  /** The other masters' shards must not lose their connections to the silence of one. */
  async #renewIfSilent(node: Redis): Promise<void> {
    try {
      await replyWithin(node.ping(), this.#settings.connectTimeoutMs);
    } catch {
      if (!this.#closed) node.disconnect(true);
    }
  }

  readonly #onError = (error: unknown): void => {
    if (this.#closed) return;
    const reason = failureReason(error);
    this.#options.onFailure(reason);
    if (reason === "authentication" || reason === "certificate") this.refreshCredentials();
  };

  /** refreshCredentials reads the files again, for the next connections. */
  refreshCredentials(): void {
    if (this.#settings.passwordFile === undefined && this.#settings.tls === undefined) return;
    if (this.#refreshing) return;
    this.#refreshing = true;
    void this.#refresh()
      .catch(() => this.#options.onFailure("authentication"))
      .finally(() => (this.#refreshing = false));
  }

  async #refresh(): Promise<void> {
    const credentials = await readCredentials(this.#settings);
    for (const options of [this.#shared, ...this.#connections().map((connection) => connection.options)]) apply(credentials, options);
  }

  #connections(): readonly Redis[] {
    const readers = [...this.#readers].flatMap((reader) => reader.connection ?? []);
    const others = [this.#commands, this.#admin].flatMap((one) => (one instanceof Cluster ? one.nodes() : (one ?? [])));
    return [...readers, ...others];
  }
}

function connected(connection: Redis | Cluster | null): Connection {
  if (connection === null) throw new Error("not connected yet");
  return connection as Connection;
}

/**
 * Neither INFO nor CLIENT SETINFO is sent, so that the ACL rule needs neither. RESP2: nothing we read gains from RESP3. No command is
 * queued, repeated or pipelined behind our back (autopipelining is slower than plain writes on a fast network); limits of time are ours
 * (waiting.ts). READONLY is what a demoted master says: connecting again finds the new one.
 */
function commonOptions(settings: RedisSettings, retryStrategy: (attempt: number) => number): RedisOptions {
  return {
    protocol: 2,
    connectTimeout: settings.connectTimeoutMs,
    disconnectTimeout: DISCONNECT_TIMEOUT_MS,
    keepAlive: KEEP_ALIVE_MS,
    noDelay: true,
    enableReadyCheck: false,
    disableClientInfo: true,
    enableOfflineQueue: false,
    enableAutoPipelining: false,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    autoResubscribe: false,
    retryStrategy,
    reconnectOnError: (error) => ["read_only", "authentication"].includes(failureReason(error)),
    ...(settings.username === undefined ? {} : { username: settings.username }),
  };
}

/** apply changes the options of a client in place: ioredis reads them whenever it connects. */
function apply({ password, tls }: Credentials, options: RedisOptions): void {
  if (password !== undefined) options.password = password;
  if (tls === undefined) return;
  options.tls = tls;
  if (options.sentinelTLS !== undefined) options.sentinelTLS = tls;
}
