/** The blocking connection of one shard. On a Cluster it goes where the shard is: any node knows, and says so by MOVED. */
import type { Redis } from "ioredis";
import type { RedisAddress } from "./settings.ts";

/** LogReader is one connection that blocks. */
export interface LogReader {
  /** Sends XREAD with these arguments. */
  read(args: (string | number)[]): Promise<unknown>;
  /** Gives up the connection and what waits on it; the next read uses a new one. `failed` says what the last read ended with. */
  renew(failed?: unknown): void;
  close(): void;
}

export class ShardReader implements LogReader {
  readonly #create: (address?: RedisAddress) => Redis;
  readonly #someAddress: () => RedisAddress | undefined;
  #address: RedisAddress | undefined;
  #redis: Redis | null = null;
  #closed = false;

  constructor(create: (address?: RedisAddress) => Redis, someAddress: () => RedisAddress | undefined) {
    this.#create = create;
    this.#someAddress = someAddress;
  }

  get connection(): Redis | null {
    return this.#redis;
  }

  read(args: (string | number)[]): Promise<unknown> {
    if (this.#closed) return Promise.reject(new Error("closed"));
    this.#redis ??= this.#create((this.#address ??= this.#someAddress()));
    return this.#redis.callBuffer("XREAD", args);
  }

  renew(failed?: unknown): void {
    this.#address = movedTo(failed, this.#address);
    this.#redis?.disconnect();
    this.#redis = null;
  }

  close(): void {
    this.#closed = true;
    this.renew();
  }
}

/** movedTo reads `MOVED <slot> <host>:<port>`. Without a host, it is the one that said so. */
function movedTo(error: unknown, from: RedisAddress | undefined): RedisAddress | undefined {
  const [, host, port] = error instanceof Error ? (/^MOVED \d+ (\S*):(\d+)$/.exec(error.message) ?? []) : [];
  const known = host === "" ? from?.host : host;
  return known === undefined ? undefined : { host: known, port: Number(port) };
}
