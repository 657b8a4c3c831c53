/** What the fact_check signal learns from: messages whose answer depends on facts of the world, and messages whose answer does not. */
import { FACT_CHECK, NEEDS_FACT_CHECK, NO_FACT_CHECK_NEEDED } from "../../../packages/extproc/src/routing/signals/fact-check.ts";
import type { HeadRecipe } from "../heads.ts";
import { authoredRows, intentHeads, type IntentRow } from "./intent.ts";

/** factCheckRows of authors, with the labels of the signal. */
export function factCheckRows(set: "train" | "dev"): IntentRow[] {
  return authoredRows(FACT_CHECK.head, set).map((row) => ({ ...row, label: row.label === "1" ? NEEDS_FACT_CHECK : NO_FACT_CHECK_NEEDED }));
}

/** factCheckHeads are the recipes of both heads. */
export function factCheckHeads(rows: readonly IntentRow[] = factCheckRows("train")): HeadRecipe[] {
  return intentHeads(FACT_CHECK, rows, { rows: 1 << 16, thresholds: { [NEEDS_FACT_CHECK]: 0.5 } });
}
