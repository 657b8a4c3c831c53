/** The signals Turnout evaluates. Schema, condition types, metrics, headers and docs derive from this one list: a new signal is a file and a line. */
import { context } from "./context.ts";
import { domain } from "./domain.ts";
import { embedding } from "./embedding.ts";
import { jailbreak } from "./jailbreak.ts";
import { keyword } from "./keyword.ts";
import { language } from "./language.ts";
import { pii } from "./pii.ts";

export const signals = [keyword, domain, embedding, context, language, pii, jailbreak] as const;
