/** Two questions in letters that the encoder hardly knows look alike to it whatever they say: only the same words will do. */
import type { Guard } from "./guard.ts";

/** Share of such letters up to which a question may be compared: a Greek letter in a formula, a foreign name. */
const TOLERATED = 0.1;

export const scripts: Guard = {
  name: "script",
  note: ({ foreign }) => (foreign > TOLERATED ? [1] : []),
  agree: (now, stored) => now.length === 0 && stored.length === 0,
};
