/**
 * What the modality signal learns from: wishes for text, for an image and for both, and messages of other corpora, which want text.
 * Those of them that speak of images are left out: nobody has said which of them want one.
 */
import { MODALITY } from "../../../packages/extproc/src/routing/signals/modality.ts";
import type { HeadRecipe } from "../heads.ts";
import { authoredRows, chatRows, intentHeads, type ChatRow, type IntentRow } from "./intent.ts";

/** Every n-th message of other corpora is learned from. */
const CHAT_NTH = 60;
/** Probability from which a wish for an image counts (intent-figures.ts). */
const THRESHOLD = 0.4;

const IMAGES =
  /\b(draw|paint|sketch|illustrat|image|picture|pic|photo|logo|poster|diagram|visual|wallpaper|avatar|render|graphic|flyer|banner|cartoon|icon|mockup|dibuj|imagen|dessin|zeichn|bild|desenh|imagem)|图|画|圖|絵|イラスト|写真|चित्र|तस्वीर|صورة|رسم/i;
const isText = ({ text }: ChatRow) => !IMAGES.test(text);

/** modalityRows of authors. */
export const modalityRows = (set: "train" | "dev"): IntentRow[] => authoredRows(MODALITY.head, set);

/** modalityHeads are the recipes of both heads. */
export function modalityHeads(rows: readonly IntentRow[] = modalityRows("train")): HeadRecipe[] {
  const thresholds = { DIFFUSION: THRESHOLD, BOTH: THRESHOLD };
  return intentHeads(MODALITY, [...rows, ...chatRows(CHAT_NTH, "AR", isText)], { rows: 1 << 15, thresholds });
}
