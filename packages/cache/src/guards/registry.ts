/** All guards, in the order in which they are asked. To add one: a file, and a line here. */
import { aspects, questionWords } from "./aspects.ts";
import { directions } from "./directions.ts";
import { entities } from "./entities.ts";
import type { Guard } from "./guard.ts";
import { limiters } from "./limits.ts";
import { modality, persons, tense } from "./modality.ts";
import { negations } from "./negations.ts";
import { opposites } from "./opposites.ts";
import { outputs } from "./outputs.ts";
import { quantities } from "./quantities.ts";
import { scopes } from "./scopes.ts";
import { scripts } from "./scripts.ts";
import { code, spans } from "./spans.ts";

export const guards: readonly Guard[] = [
  scripts,
  quantities,
  spans,
  code,
  negations,
  limiters,
  opposites,
  entities,
  directions,
  questionWords,
  aspects,
  scopes,
  outputs,
  modality,
  tense,
  persons,
];

/** GUARDS_VERSION changes whenever the same question gives other marks: what was stored under another version is not compared. */
export const GUARDS_VERSION = 1;
