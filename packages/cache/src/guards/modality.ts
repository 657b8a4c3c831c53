/** Whether one can, must or should; whether it was, is or will be. */
import { alternatives } from "./alternatives.ts";
import type { Token } from "./read.ts";

/** After "how" and "what", "can I", "should I" and "do I" ask the same. */
const open: ReadonlySet<string> = new Set("how what which where when who whom".split(" "));
const asksForWay = (tokens: readonly Token[], at: number) => !tokens.slice(Math.max(0, at - 4), at).some(({ text }) => open.has(text));

export const modality = alternatives(
  "modality",
  [["can could may might able allowed permitted legal", "must need required obliged", "should ought", "will"]],
  asksForWay,
);

export const tense = alternatives("tense", [["is are does do has have", "was were did had", "will"]]);

export const persons = alternatives(
  "person",
  [
    ["he him his himself", "she her hers herself"],
    ["my mine", "your yours", "his", "her", "their theirs", "our ours"],
  ],
  (tokens, at) => tokens[at]?.kind === "word",
);
