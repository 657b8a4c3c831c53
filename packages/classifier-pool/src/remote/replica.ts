/**
 * One replica as the front sees it: may it be asked, how loaded is it, which model does it serve. It watches the replica's health
 * for as long as it lives. Whatever goes wrong has one cure: the session ends, and after a back-off a new one begins, which asks for
 * health and model before any request is sent there again. So a request never serves as a probe. Made by replica-set.ts.
 */
import { setTimeout as wait } from "node:timers/promises";
import { RouterError, type Clock, type EncoderStatus } from "@turnout/shared";
import { backoffMs } from "./backoff.ts";
import type { Channel } from "./channel.ts";
import type { Loaded } from "./picker.ts";
import { decodeModels } from "./codec.ts";
import { PROTOCOL_VERSION, understands, type EvaluateRequest, type EvaluateResponse, type ModelRead } from "./protocol.ts";

/** ServedModel is what a ready replica serves; replicas with the same `identity` give vectors that may be compared. */
export interface ServedModel {
  readonly identity: string;
  /** When the replica said so, in milliseconds of the clock: of one encoder's replicas, who spoke last knows most of further models. */
  readonly toldAt: number;
  readonly encoder: Omit<Extract<EncoderStatus, { state: "ready" }>, "state">;
}

/**
 * ReplicaState: `joining` and `out` get no requests; `doubtful` has just lost its health watch, perhaps only because its connection
 * was closed by age, and is asked where no serving replica is left.
 */
export type ReplicaState = "joining" | "serving" | "doubtful" | "out";

export interface ReplicaParts {
  readonly address: string;
  readonly channel: Channel;
  readonly clock: Clock;
  /** Called after each change of `state` or `model`. */
  readonly onChange: () => void;
  /** Whether this replica may be shut out for its silence: not when it would leave nobody. */
  readonly maySpare: (replica: Replica) => boolean;
}

/** How long a replica may take to say how it is and what it serves. */
const PROBE_MS = 2_000;
/** Failures one after another until a replica is shut out; after that, until it has answered a request again, one suffices. */
const FAILURES = 3;
/** After this long a queue depth says nothing any more; on the way there it fades, or a replica once full would never be asked again. */
const REPORT_LIFETIME_MS = 1_000;

export class Replica implements Loaded {
  readonly address: string;
  readonly #parts: ReplicaParts;
  readonly #stop = new AbortController();
  #session = new AbortController();
  #state: ReplicaState = "joining";
  #reason = "has not answered yet";
  #model: ServedModel | null = null;
  #inFlight = 0;
  #reported = 0;
  #reportedAt = Number.NEGATIVE_INFINITY;
  #answeredAt = Number.NEGATIVE_INFINITY;
  #failures = 0;
  /** Sessions in a row that never came to serve. */
  #misses = 0;
  /** Times it was shut out since it last answered a request. */
  #ejections = 0;

  constructor(parts: ReplicaParts) {
    this.address = parts.address;
    this.#parts = parts;
    void this.#live();
  }

  get state(): ReplicaState {
    return this.#state;
  }

  /** Why it is not serving, for the operator. */
  get reason(): string {
    return `${this.address} ${this.#reason}`;
  }

  get model(): ServedModel | null {
    return this.#model;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /** The queue it last reported, fading, and what was sent from here and is not answered. */
  get load(): number {
    const age = this.#parts.clock.now() - this.#reportedAt;
    return this.#inFlight + this.#reported * Math.max(0, 1 - age / REPORT_LIFETIME_MS);
  }

  /** evaluate asks the replica. A reply of another model than it was chosen for is refused with encoder_unavailable. */
  async evaluate(
    request: EvaluateRequest,
    identity: string,
    deadlineMs: number,
    signal: AbortSignal | undefined,
  ): Promise<EvaluateResponse> {
    const texts = request.items?.length ?? 1;
    const sentAt = this.#parts.clock.now();
    this.#inFlight += texts;
    try {
      const response = await this.#parts.channel.evaluate(request, deadlineMs, signal);
      const face = response.replica;
      if (identityOf(face?.model, face?.revision) !== identity || !understands(face?.protocolVersion ?? 0)) {
        this.#endSession(`now serves ${identityOf(face?.model, face?.revision)} with protocol ${face?.protocolVersion ?? 0}`);
        throw new RouterError("encoder_unavailable", `classifier replica ${this.reason}, not ${identity}`);
      }
      this.#reported = face?.queueDepth ?? 0;
      this.#reportedAt = this.#parts.clock.now();
      if (knowsNothing(response)) this.#failed(new RouterError("deadline_exceeded", "knew nothing in time"), sentAt);
      else this.#answered();
      return response;
    } catch (error) {
      this.#failed(RouterError.from(error), sentAt);
      throw error;
    } finally {
      this.#inFlight -= texts;
    }
  }

  /** close ends the watch and the connection; what is still in flight is lost. */
  close(): void {
    this.#stop.abort();
    this.#session.abort();
    this.#parts.channel.close();
  }

  #answered(): void {
    this.#answeredAt = this.#parts.clock.now();
    this.#failures = 0;
    this.#ejections = 0;
  }

  #failed({ code, message }: RouterError, sentAt: number): void {
    const lost = code === "encoder_unavailable";
    // Late is not dead: a replica that answered others meanwhile is only busy.
    const silent = code === "deadline_exceeded" && this.#answeredAt < sentAt;
    if (!lost && !silent) return;
    this.#failures += 1;
    if (this.#state !== "serving" || this.#failures < (this.#ejections > 0 ? 1 : FAILURES)) return;
    if (silent && !this.#parts.maySpare(this)) return;
    this.#ejections += 1;
    this.#failures = 0;
    this.#endSession(`was shut out: ${message}`);
  }

  #endSession(reason: string): void {
    this.#become("out", reason);
    this.#session.abort();
  }

  async #live(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      this.#session = new AbortController();
      const wasServing = await this.#serveSession(this.#session);
      if (signal.aborted) return;
      this.#misses = wasServing ? 0 : this.#misses + 1;
      await wait(backoffMs(Math.max(this.#misses, this.#ejections)), undefined, { signal }).catch(() => undefined);
    }
  }

  /** One session: from the first word on health until the watch ends. Resolves to whether the replica served in it. */
  async #serveSession(session: AbortController): Promise<boolean> {
    const { channel } = this.#parts;
    let served = false;
    let word = 0;
    const silence = setTimeout(() => session.abort(), PROBE_MS);
    const ended = await channel.watch(session.signal, (serving) => {
      clearTimeout(silence);
      word += 1;
      if (!serving) return this.#become("out", "is not serving");
      const mine = word;
      channel.models(PROBE_MS).then(
        ({ replica, models = [] }) => {
          if (session.signal.aborted || mine !== word) return;
          const refusal = this.#admit(replica?.protocolVersion ?? 0, models);
          if (refusal === null) served = true;
          else {
            this.#become("out", refusal);
            session.abort();
          }
        },
        (error: unknown) => {
          if (mine !== word) return;
          this.#become("out", RouterError.from(error).message);
          session.abort();
        },
      );
    });
    clearTimeout(silence);
    if (this.#state === "serving") this.#become("doubtful", `lost its health watch: ${ended}`);
    else if (this.#state === "joining" || this.#state === "doubtful")
      this.#become("out", session.signal.aborted ? "does not answer" : ended);
    session.abort();
    return served;
  }

  /** admit takes a replica in, or says why it cannot be used. */
  #admit(protocolVersion: number, models: readonly ModelRead[]): string | null {
    if (!understands(protocolVersion)) return `speaks protocol ${protocolVersion}, this front ${PROTOCOL_VERSION}`;
    const encoder = decodeModels(models);
    if (encoder === null) return "serves no model";
    this.#model = { identity: identityOf(encoder.model, encoder.revision), toldAt: this.#parts.clock.now(), encoder };
    this.#become("serving", "serves");
    return null;
  }

  #become(state: ReplicaState, reason: string): void {
    if (this.#stop.signal.aborted) return;
    this.#state = state;
    this.#reason = reason;
    this.#parts.onChange();
  }
}

/** knowsNothing is true of a reply that only says, for each text, that its time is over: from a replica whose workers are stuck, all are so. */
function knowsNothing({ outcomes = [] }: EvaluateResponse): boolean {
  return outcomes.length > 0 && outcomes.every(({ failure }) => failure?.code === "deadline_exceeded");
}

function identityOf(model: string | undefined, revision: string | undefined): string {
  return `${model ?? "?"}@${revision ?? "?"}`;
}
