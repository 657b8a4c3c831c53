/**
 * How this process's V8 weighs memory against time. Left alone it lets young objects take 100 MB and the heap double before it looks for
 * garbage: with 8 clients a router of 30 MB of live objects grew to 420 MB. With these flags it stays at 240 MB, for 4 to 6 % more CPU per
 * request. V8 reads them at each collection, so that they count in a process that runs already; the limits of its command line
 * (--max-semi-space-size) would come too late. Used by the command line only: a program that has Turnout as a library keeps its own.
 */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

const FLAGS = [
  // The young generation stays as large as it begins, two halves of 1 MB: a request's objects die within a few milliseconds.
  "--semi-space-growth-factor=1",
  // The next full collection comes when the heap has grown by a fifth (V8 makes that 8 MB at least).
  "--heap-growing-percent=20",
  // For dropGarbage() here, and in the workers, whose globals have `gc` from the beginning.
  "--expose-gc",
];

/** boundHeap comes first in the process: what is loaded before it is loaded without bounds. */
export function boundHeap(): void {
  for (const flag of FLAGS) setFlagsFromString(flag);
}

/**
 * dropGarbage gives back what the start has left behind, in about 30 ms: V8 would keep it until the heap has grown again. Does nothing
 * where boundHeap() was not called.
 */
export function dropGarbage(): void {
  // The flag came too late for this thread's own global object; a new one has the function.
  const collect = runInNewContext("globalThis.gc") as typeof globalThis.gc;
  collect?.({ type: "major", execution: "sync", flavor: "last-resort" });
}
