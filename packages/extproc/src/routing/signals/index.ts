/** The signals Turnout evaluates. Schema, condition types, metrics, headers and docs derive from this one list: a new signal is a file and a line. */
import { complexity } from "./complexity.ts";
import { context } from "./context.ts";
import { domain } from "./domain.ts";
import { embedding } from "./embedding.ts";
import { factCheck } from "./fact-check.ts";
import { jailbreak } from "./jailbreak.ts";
import { keyword } from "./keyword.ts";
import { language } from "./language.ts";
import { modality } from "./modality.ts";
import { pii } from "./pii.ts";
import { preference } from "./preference.ts";
import { userFeedback } from "./user-feedback.ts";

export const signals = [
  keyword,
  domain,
  embedding,
  context,
  language,
  pii,
  jailbreak,
  complexity,
  preference,
  factCheck,
  userFeedback,
  modality,
] as const;
