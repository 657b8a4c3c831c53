import { setTimeout as sleep } from "node:timers/promises";
import { spread, type Random } from "./random.ts";
import type { SimulatorSettings } from "./settings.ts";

/** How long the simulated model takes. Pure but for `systemWait`. */

/** Wait pauses for a time, ms; rejects when the signal aborts. Tests inject one that they move by hand. */
export type Wait = (ms: number, signal: AbortSignal) => Promise<void>;

/** systemWait waits for real. */
export const systemWait: Wait = async (ms, signal) => {
  await sleep(ms, undefined, { signal });
};

/** Pace draws one request's times, ms; `running` is how many requests run now, this one included. */
export interface Pace {
  firstToken(running: number): number;
  nextToken(running: number): number;
}

export function createPace(settings: SimulatorSettings, random: Random): Pace {
  const { maxNumSeqs, timeFactorUnderLoad } = settings;
  const load = (running: number) => (maxNumSeqs === 1 ? 1 : 1 + ((timeFactorUnderLoad - 1) * (running - 1)) / (maxNumSeqs - 1));
  return {
    firstToken: (running) => load(running) * spread(settings.timeToFirstTokenMs, settings.timeToFirstTokenStdDevMs, random),
    nextToken: (running) => load(running) * spread(settings.interTokenLatencyMs, settings.interTokenLatencyStdDevMs, random),
  };
}
