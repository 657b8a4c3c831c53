/**
 * The replicas behind one endpoint: found by resolving it every few seconds, chosen by the picker, and agreed on one model revision.
 * During a rollout two revisions serve side by side; the set's revision changes once the newer one has the majority, and whoever
 * holds vectors of the former one is still served by the replicas that are left of it. Made by the remote client.
 */
import { setTimeout as wait } from "node:timers/promises";
import { RouterError, type Clock, type Logger, type Metrics } from "@turnout/shared";
import type { ConnectChannel } from "./channel.ts";
import { resolve, type Endpoint, type Lookup } from "./endpoint.ts";
import type { Picker } from "./picker.ts";
import { Replica, type ReplicaState, type ServedModel } from "./replica.ts";

export interface ReplicaSetParts {
  readonly endpoint: Endpoint;
  readonly lookup: Lookup;
  readonly resolveIntervalMs: number;
  readonly connect: ConnectChannel;
  readonly pick: Picker<Replica>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Called whenever somebody serves after nobody did, and when the model that new work should use has changed. */
  readonly onReady: (model: ServedModel) => void;
}

/** A lost replica asks for a new look at the name at once, but not more often than this. */
const LEAST_RESOLVE_INTERVAL_MS = 500;
const LOOKUP_LIMIT_MS = 3_000;
/** How long a replica that left the name may take for what it has been asked. */
const FAREWELL_MS = 10_000;

export class ReplicaSet {
  readonly #parts: ReplicaSetParts;
  readonly #replicas = new Map<string, Replica>();
  readonly #stop = new AbortController();
  #wake = new AbortController();
  #model: ServedModel | null = null;
  #problem: string | null = null;
  #serving = false;

  constructor(parts: ReplicaSetParts) {
    this.#parts = parts;
    void this.#follow();
  }

  /** The model of new work; null until a replica has served. */
  get model(): ServedModel | null {
    return this.#model;
  }

  /** Whether anybody can answer for the present model. */
  get ready(): boolean {
    return this.#model !== null && this.#candidates(this.#model.identity, null).length > 0;
  }

  /** reason says why nobody can answer, for the operator. */
  get reason(): string {
    const replicas = [...this.#replicas.values()].filter(({ state }) => state !== "serving").map(({ reason }) => reason);
    return [...(this.#problem === null ? [] : [this.#problem]), ...replicas].join("; ") || "no classifier replica is known";
  }

  /** pick chooses who answers for a model; never `except`, who has just failed. Undefined when nobody is left. */
  pick(identity: string, except: Replica | null): Replica | undefined {
    return this.#parts.pick(this.#candidates(identity, except));
  }

  close(): void {
    this.#stop.abort();
    this.#wake.abort();
    for (const replica of this.#replicas.values()) replica.close();
    this.#replicas.clear();
  }

  #candidates(identity: string, except: Replica | null): readonly Replica[] {
    const serving: Replica[] = [];
    const doubtful: Replica[] = [];
    for (const replica of this.#replicas.values()) {
      if (replica === except || replica.model?.identity !== identity) continue;
      if (replica.state === "serving") serving.push(replica);
      else if (replica.state === "doubtful") doubtful.push(replica);
    }
    return serving.length > 0 ? serving : doubtful;
  }

  async #follow(): Promise<void> {
    const { endpoint, lookup, resolveIntervalMs } = this.#parts;
    const { signal } = this.#stop;
    while (!signal.aborted) {
      this.#wake = new AbortController();
      try {
        this.#adopt(await inTime(resolve(endpoint, lookup), LOOKUP_LIMIT_MS));
        this.#problem = null;
      } catch (error) {
        // Who is known stays: a name server that is down must not take the replicas with it.
        this.#problem = `the endpoint cannot be resolved: ${RouterError.from(error).message}`;
      }
      await pause(LEAST_RESOLVE_INTERVAL_MS, signal);
      if (!this.#wake.signal.aborted)
        await pause(Math.max(0, resolveIntervalMs - LEAST_RESOLVE_INTERVAL_MS), AbortSignal.any([signal, this.#wake.signal]));
    }
  }

  #adopt(addresses: readonly string[]): void {
    if (this.#stop.signal.aborted) return;
    const { connect, clock, logger } = this.#parts;
    for (const address of addresses) {
      if (this.#replicas.has(address)) continue;
      logger.info({ address }, "classifier replica found");
      let state: ReplicaState = "joining";
      const replica: Replica = new Replica({
        address,
        channel: connect(address),
        clock,
        onChange: () => {
          if (replica.state === state) return;
          // A health watch that only moves to a new connection is no news.
          const brief = replica.state === "doubtful" || (state === "doubtful" && replica.state === "serving");
          state = replica.state;
          if (state === "out") this.#wake.abort();
          logger[brief ? "debug" : "info"]({ replica: replica.reason, state }, "classifier replica");
          this.#judge();
        },
        maySpare: (spared) => this.#candidates(spared.model?.identity ?? "", spared).some((other) => other.state === "serving"),
      });
      this.#replicas.set(address, replica);
    }
    for (const [address, replica] of this.#replicas) {
      if (addresses.includes(address)) continue;
      logger.info({ address }, "classifier replica is gone from the endpoint");
      this.#replicas.delete(address);
      void this.#dismiss(replica);
    }
    this.#judge();
  }

  async #dismiss(replica: Replica): Promise<void> {
    const end = this.#parts.clock.now() + FAREWELL_MS;
    while (replica.inFlight > 0 && this.#parts.clock.now() < end) await pause(50, this.#stop.signal);
    replica.close();
  }

  /** judge settles on a model and tells how many serve. */
  #judge(): void {
    const serving = [...this.#replicas.values()].filter(({ state }) => state === "serving" || state === "doubtful");
    this.#parts.metrics.classifierReplicas.set({ state: "serving" }, serving.length);
    this.#parts.metrics.classifierReplicas.set({ state: "other" }, this.#replicas.size - serving.length);
    const models = serving.map(({ model }) => model).filter((model) => model !== null);
    const next = preferredModel(this.#model, models);
    const news = next?.identity !== this.#model?.identity || (serving.length > 0 && !this.#serving);
    this.#model = next;
    this.#serving = serving.length > 0;
    if (next !== null && news) this.#parts.onReady(next);
  }
}

/**
 * preferredModel keeps the present model while at least half of the serving replicas have it; else the one that most have. It is described
 * as the replica that spoke last describes it.
 */
export function preferredModel(present: ServedModel | null, serving: readonly ServedModel[]): ServedModel | null {
  if (serving.length === 0) return present;
  const votes = new Map<string, number>();
  for (const { identity } of serving) votes.set(identity, (votes.get(identity) ?? 0) + 1);
  const votesOf = ({ identity }: ServedModel) => votes.get(identity) ?? 0;
  const kept = present !== null && votesOf(present) * 2 >= serving.length;
  const { identity } = kept ? present : serving.reduce((best, model) => (votesOf(model) > votesOf(best) ? model : best));
  const described = serving.filter((model) => model.identity === identity);
  return described.reduce((latest, model) => (model.toldAt > latest.toldAt ? model : latest));
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await wait(ms, undefined, { signal }).catch(() => undefined);
}

async function inTime<Value>(work: Promise<Value>, ms: number): Promise<Value> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new RouterError("deadline_exceeded", `no answer within ${ms} ms`)), ms);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}
