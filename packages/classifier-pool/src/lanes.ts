/**
 * One queue per model in front of the same workers. Each lane has its own batcher and dispatcher, so batches never mix models and each
 * model's cost is learnt by itself. While several lanes wait, they take turns: a worker that frees up goes to the lane after the one that
 * was served last. With one lane alone it does nothing. Made by pool.ts.
 */
import type { Dispatcher } from "./dispatcher.ts";

/** Workers are the threads as the lanes see them. */
export interface Workers {
  /** Workers that are loaded, busy or not. */
  warm(): number;
  /** Workers that can take a batch now. */
  idle(): number;
}

/** LaneParts are one model's queue. */
export interface LaneParts {
  readonly dispatcher: Pick<Dispatcher, "pump">;
  /** Texts that wait. */
  waiting(): number;
}

/** LaneView is what a lane's dispatcher sees of the workers: as many as it may count on, and idle ones only when it may take them. */
export interface LaneView extends Workers {
  /** To be called when the lane's dispatcher takes a worker. */
  took(): void;
  /** To be called when a text was admitted, and when a worker that was taken is free again. */
  changed(): void;
}

export class Lanes {
  readonly #workers: Workers;
  readonly #lanes: LaneParts[] = [];
  #last = 0;
  /** While lanes take turns: whose turn it is, and whether it has not had its worker yet. */
  #turn: { readonly place: number; open: boolean } | null = null;
  #scheduled: NodeJS.Immediate | undefined;

  constructor(workers: Workers) {
    this.#workers = workers;
  }

  /** add makes a lane from its view of the workers. */
  add<Lane extends LaneParts>(create: (view: LaneView) => Lane): Lane {
    const place = this.#lanes.length;
    const lane = create({
      warm: () => this.#workers.warm() / (1 + this.#othersWaiting(place)),
      idle: () => this.#idleFor(place),
      took: () => {
        this.#last = place;
        if (this.#turn !== null && this.#othersWaiting(place) > 0) this.#turn.open = false;
      },
      changed: () => {
        if (this.#othersWaiting(place) > 0) this.#scheduled ??= setImmediate(() => this.pump());
      },
    });
    this.#lanes.push(lane);
    return lane;
  }

  /** pump offers the idle workers to the lanes in turn, beginning behind the one that was served last. */
  pump(): void {
    clearImmediate(this.#scheduled);
    this.#scheduled = undefined;
    for (let served = true; served && this.#workers.idle() > 0;) {
      served = false;
      const first = this.#last + 1;
      for (let step = 0; step < this.#lanes.length; step += 1) {
        const place = (first + step) % this.#lanes.length;
        this.#turn = { place, open: true };
        this.#lanes[place]?.dispatcher.pump();
        served ||= !this.#turn.open;
      }
    }
    this.#turn = null;
  }

  close(): void {
    clearImmediate(this.#scheduled);
  }

  /** While others wait a lane takes a worker only in its turn, and only one. */
  #idleFor(place: number): number {
    const idle = this.#workers.idle();
    const alone = this.#othersWaiting(place) === 0;
    if (this.#turn === null) return alone ? idle : 0;
    if (this.#turn.place !== place || !this.#turn.open) return 0;
    return alone ? idle : Math.min(1, idle);
  }

  #othersWaiting(place: number): number {
    let waiting = 0;
    for (const [other, lane] of this.#lanes.entries()) if (other !== place && lane.waiting() > 0) waiting += 1;
    return waiting;
  }
}
