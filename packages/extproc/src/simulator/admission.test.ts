import { describe, expect, it } from "vitest";
import { createAdmission } from "./admission.ts";

const never = new AbortController().signal;

describe("admission", () => {
  it("runs at most so many at once, first come first served", async () => {
    const admission = createAdmission({ maxNumSeqs: 1, maxLoras: 1, maxWaiting: 10 });
    const leave = await admission.enter(null, never);
    const order: string[] = [];
    const second = admission.enter(null, never).then((done) => (order.push("second"), done));
    const third = admission.enter(null, never).then((done) => (order.push("third"), done));
    expect(admission.waiting).toHaveLength(2);
    leave();
    (await second)();
    (await third)();
    expect(order).toEqual(["second", "third"]);
    expect([admission.running, admission.waiting]).toEqual([[], []]);
  });

  it("lets others overtake a request whose adapter finds no place", async () => {
    const admission = createAdmission({ maxNumSeqs: 5, maxLoras: 1, maxWaiting: 10 });
    const leave = await admission.enter("a", never);
    const waiting = admission.enter("b", never);
    await admission.enter("a", never);
    await admission.enter(null, never);
    expect([admission.running, admission.waiting]).toEqual([["a", "a", null], ["b"]]);
    leave();
    expect(admission.waiting).toEqual(["b"]);
    void waiting;
  });

  it("refuses one more than may wait", async () => {
    const admission = createAdmission({ maxNumSeqs: 1, maxLoras: 1, maxWaiting: 0 });
    await admission.enter(null, never);
    await expect(admission.enter(null, never)).rejects.toMatchObject({ status: 429 });
  });

  it("forgets a waiting request whose caller left", async () => {
    const admission = createAdmission({ maxNumSeqs: 1, maxLoras: 1, maxWaiting: 5 });
    const leave = await admission.enter(null, never);
    const abort = new AbortController();
    const waiting = admission.enter(null, abort.signal);
    abort.abort(new Error("left"));
    await expect(waiting).rejects.toThrow("left");
    leave();
    expect([admission.running, admission.waiting]).toEqual([[], []]);
  });

  it("gives a place back once", async () => {
    const admission = createAdmission({ maxNumSeqs: 1, maxLoras: 1, maxWaiting: 5 });
    const leave = await admission.enter(null, never);
    leave();
    const second = await admission.enter(null, never);
    leave();
    expect(admission.running).toHaveLength(1);
    second();
  });
});
