/** Compares two questions by what the guards noted of them. Pure, some microseconds; session.ts asks it for every candidate. */
import type { GuardFeatures } from "./features.ts";
import { guards } from "./registry.ts";

export type GuardVerdict = { readonly pass: true } | { readonly pass: false; readonly guard: string };

const passed: GuardVerdict = { pass: true };

/** compareFeatures names the first guard that objects to giving one question's answer to the other. */
export function compareFeatures(now: GuardFeatures, stored: GuardFeatures): GuardVerdict {
  if (now.identity === stored.identity) return passed;
  const words = { now: now.words, stored: stored.words };
  for (let i = 0; i < guards.length; i += 1) {
    const guard = guards[i] as (typeof guards)[number];
    if (!guard.agree(now.marks[i] as Uint32Array, stored.marks[i] as Uint32Array, words)) return { pass: false, guard: guard.name };
  }
  return passed;
}

/** compareGuards names all guards that object. */
export function compareGuards(now: GuardFeatures, stored: GuardFeatures): string[] {
  const words = { now: now.words, stored: stored.words };
  return guards
    .filter(({ agree }, i) => !agree(now.marks[i] as Uint32Array, stored.marks[i] as Uint32Array, words))
    .map(({ name }) => name);
}
