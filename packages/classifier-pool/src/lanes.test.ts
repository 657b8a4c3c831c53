import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Lanes, type LaneView } from "./lanes.ts";

/** Workers that are busy until a test frees them. */
class FakeWorkers {
  readonly #count: number;
  readonly running: { readonly lane: string; readonly done: () => void }[] = [];

  constructor(count: number) {
    this.#count = count;
  }

  warm(): number {
    return this.#count;
  }

  idle(): number {
    return this.#count - this.running.length;
  }

  /** free ends a run. */
  free(index = 0): void {
    this.running.splice(index, 1)[0]?.done();
  }
}

/** A lane that takes workers as the dispatcher does: while it sees idle ones, one text each. */
class Lane {
  readonly dispatcher = { pump: () => this.#pump() };
  readonly #name: string;
  readonly #view: LaneView;
  readonly #workers: FakeWorkers;
  readonly served: string[];
  /** Idle workers that were seen. */
  readonly offers: number[];
  queue = 0;

  constructor(name: string, view: LaneView, workers: FakeWorkers, { served, offers }: { served: string[]; offers: number[] }) {
    this.#name = name;
    this.#view = view;
    this.#workers = workers;
    this.served = served;
    this.offers = offers;
  }

  waiting(): number {
    return this.queue;
  }

  /** submit admits texts; the lane's own pump follows later, as the dispatcher's does. */
  submit(texts: number): void {
    this.queue += texts;
    setImmediate(() => this.#pump());
    this.#view.changed();
  }

  share(): number {
    return this.#view.warm();
  }

  #pump(): void {
    while (this.queue > 0) {
      const idle = this.#view.idle();
      this.offers.push(idle);
      if (idle === 0) return;
      this.queue -= 1;
      this.served.push(this.#name);
      this.#view.took();
      this.#workers.running.push({
        lane: this.#name,
        done: () => {
          this.#view.changed();
          this.#pump();
        },
      });
    }
  }
}

function setUp(workers: number, names: readonly string[]) {
  const threads = new FakeWorkers(workers);
  const lanes = new Lanes(threads);
  const seen = { served: [] as string[], offers: [] as number[] };
  return { threads, ...seen, lane: names.map((name) => lanes.add((view) => new Lane(name, view, threads, seen))) };
}

const nextTurn = () => new Promise<void>((resolve) => setImmediate(() => setImmediate(resolve)));

describe("lanes", () => {
  it("leaves every worker to the only one that waits", async () => {
    const { lane, served, threads } = setUp(2, ["a", "b"]);
    lane[0]!.submit(3);
    await nextTurn();
    threads.free();
    expect(served).toEqual(["a", "a", "a"]);
  });

  it("take turns while several wait, however much one has", async () => {
    const { lane, served, threads } = setUp(1, ["a", "b", "c"]);
    lane[0]!.submit(100);
    await nextTurn();
    lane[1]!.submit(2);
    lane[2]!.submit(2);
    for (let run = 0; run < 7; run += 1) {
      threads.free();
      await nextTurn();
    }
    expect(served.join("")).toBe("abcabcaa");
  });

  it("share idle workers that both ask for in the same round", async () => {
    const { lane, served } = setUp(2, ["a", "b"]);
    lane[0]!.submit(5);
    lane[1]!.submit(5);
    await nextTurn();
    expect(served.toSorted()).toEqual(["a", "b"]);
  });

  it("are offered one worker at a time in their turn, so that a batch is not cut for two", async () => {
    const { lane, offers } = setUp(2, ["a", "b"]);
    lane[0]!.submit(5);
    lane[1]!.submit(5);
    await nextTurn();
    expect(Math.max(...offers)).toBe(1);
  });

  it("count on fewer workers while others wait", async () => {
    const { lane } = setUp(2, ["a", "b"]);
    expect(lane[0]!.share()).toBe(2);
    lane[1]!.submit(9);
    await nextTurn();
    expect([lane[0]!.share(), lane[1]!.share()]).toEqual([1, 2]);
  });

  it("serve everything, in whatever order texts come and workers free up", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 3 }),
        fc.array(fc.tuple(fc.constantFrom("a", "b", "c", "free", "turn"), fc.integer({ min: 1, max: 4 })), { maxLength: 40 }),
        async (workers, events) => {
          const { threads, served, lane } = setUp(workers, ["a", "b", "c"]);
          let submitted = 0;
          for (const [event, count] of events) {
            if (event === "turn") await nextTurn();
            else if (event === "free") threads.free(count % Math.max(1, threads.running.length));
            else {
              lane["abc".indexOf(event)]!.submit(count);
              submitted += count;
            }
          }
          for (let round = 0; round <= submitted; round += 1) {
            await nextTurn();
            // A worker never idles while somebody waits.
            expect(threads.idle() > 0 && lane.some(({ queue }) => queue > 0)).toBe(false);
            threads.free();
          }
          expect(served).toHaveLength(submitted);
        },
      ),
      { seed: 5, numRuns: 100 },
    );
  });
});
