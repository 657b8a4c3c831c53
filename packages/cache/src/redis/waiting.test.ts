import { RouterError } from "@turnout/shared";
import { expect, it } from "vitest";
import { ReplyTimeout } from "./failure.ts";
import { forCaller, pause, replyWithin } from "./waiting.ts";

const never = new Promise<never>(() => undefined);
const clock = { now: () => performance.now() };

/** Keeps this process busy, so that a timer is late while a reply lies in the socket or, here, in the next turn of the loop. */
function blockFor(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

it("replyWithin gives a reply, passes a failure on, and gives up", async () => {
  await expect(replyWithin(Promise.resolve(1), 1_000)).resolves.toBe(1);
  await expect(replyWithin(Promise.reject(new Error("x")), 1_000)).rejects.toThrow("x");
  await expect(replyWithin(never, 1)).rejects.toBeInstanceOf(ReplyTimeout);
});

it("replyWithin takes a reply that came in time while this process was busy", async () => {
  const { port1, port2 } = new MessageChannel();
  const reply = new Promise((resolve) =>
    port2.addEventListener("message", (event) => resolve((event as MessageEvent).data), { once: true }),
  );
  port2.start();
  const waiting = replyWithin(reply, 5);
  port1.postMessage("there");
  blockFor(30);
  await expect(waiting).resolves.toBe("there");
  port1.close();
});

it("forCaller ends when the caller leaves or its deadline passes, and leaves no listener behind", async () => {
  const controller = new AbortController();
  const left = forCaller(never, { signal: controller.signal }, clock);
  controller.abort();
  await expect(left).rejects.toMatchObject({ code: "cancelled" });
  await expect(forCaller(never, { signal: controller.signal }, clock)).rejects.toMatchObject({ code: "cancelled" });
  await expect(forCaller(never, { deadline: clock.now() + 1 }, clock)).rejects.toMatchObject({ code: "deadline_exceeded" });
  await expect(forCaller(Promise.resolve(1), { deadline: clock.now() - 1 }, clock)).resolves.toBe(1);
  await expect(forCaller(Promise.reject(new RouterError("cache_timeout", "x")), {}, clock)).rejects.toMatchObject({
    code: "cache_timeout",
  });
});

it("pause ends early when it is aborted", async () => {
  const controller = new AbortController();
  const paused = pause(60_000, controller.signal);
  controller.abort();
  await paused;
  await pause(60_000, controller.signal);
});
