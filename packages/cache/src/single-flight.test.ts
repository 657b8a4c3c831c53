import { systemClock } from "@turnout/shared";
import { describe, expect, it } from "vitest";
import { SingleFlight, type Turn } from "./single-flight.ts";

const PATIENT = 60_000;

function leaseOf(turn: Turn) {
  if (turn.kind !== "go") throw new Error(`expected to go, not ${turn.kind}`);
  return turn.lease;
}

describe("SingleFlight", () => {
  it("lets one of a hundred go, and the others look again when it is back", async () => {
    const flights = new SingleFlight(systemClock);
    const first = await flights.join("a", PATIENT, {});
    const others = Array.from({ length: 99 }, () => flights.join("a", PATIENT, {}));
    leaseOf(first).end(true);
    expect((await Promise.all(others)).map(({ kind }) => kind)).toEqual(Array.from({ length: 99 }, () => "answered"));
    expect(flights.size).toBe(0);
  });

  it("lets exactly one more go when the first brings no answer", async () => {
    const flights = new SingleFlight(systemClock);
    const first = await flights.join("a", PATIENT, {});
    const second = flights.join("a", PATIENT, {});
    const third = flights.join("a", PATIENT, {});
    leaseOf(first).end(false);
    const lease = leaseOf(await second);
    expect(flights.waiting).toBe(1);
    lease.end(true);
    expect((await third).kind).toBe("answered");
  });

  it("does not let requests of different kinds wait for each other", async () => {
    const flights = new SingleFlight(systemClock);
    await flights.join("a", PATIENT, {});
    expect((await flights.join("b", PATIENT, {})).kind).toBe("go");
  });

  it.each([
    ["no patience", 0, {}],
    ["a deadline that has passed", PATIENT, { deadline: 0 }],
    ["a caller who has left", PATIENT, { signal: AbortSignal.abort() }],
  ])("does not wait with %s", async (_, maxWaitMs, options) => {
    const flights = new SingleFlight(systemClock);
    await flights.join("a", PATIENT, {});
    expect((await flights.join("a", maxWaitMs, options)).kind).toBe("waited");
    expect(flights.waiting).toBe(0);
  });

  it("forgets one who leaves while waiting", async () => {
    const flights = new SingleFlight(systemClock);
    const first = await flights.join("a", PATIENT, {});
    const caller = new AbortController();
    const second = flights.join("a", PATIENT, { signal: caller.signal });
    caller.abort();
    expect((await second).kind).toBe("waited");
    leaseOf(first).end(false);
    expect((await flights.join("a", PATIENT, {})).kind).toBe("go");
  });

  it("ends a lease once", async () => {
    const flights = new SingleFlight(systemClock);
    const lease = leaseOf(await flights.join("a", PATIENT, {}));
    const second = flights.join("a", PATIENT, {});
    lease.end(false);
    lease.end(false);
    leaseOf(await second).end(true);
    expect(flights.size).toBe(0);
  });
});
