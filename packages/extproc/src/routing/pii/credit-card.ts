/**
 * Payment card numbers: issuer's range and length (card-validator's tables) and the Luhn digit. One number in ten passes Luhn by
 * chance, so that short or rare ranges need a word about cards beside them.
 */
import valid from "card-validator";
import { digitsOf, luhn, wordsAfter, wordsBefore } from "./cues.ts";
import { CONFIDENCE, type Detection, type Detector } from "./detection.ts";

const CANDIDATE = /(?<!\w|\d[.,\-/])\d(?:[ -]?\d){11,18}(?!\w|[.,\-/]\d)/g;
const GROUPED = /^(?:\d{4}([ -])\d{4}\1\d{4}\1\d{4}|\d{4}([ -])\d{6}\2\d{5})$/;
const CUE =
  /(?<!\p{L})(?:cards?|credit|debit|visa|master ?card|amex|american express|discover|maestro|diners|cc|tarjetas?|cartes?|kreditkarte|karten?|cart[ãa]o|carta di credito|карт[аыу]|cvv)(?!\p{L})|卡|カード|कार्ड|بطاقة/iu;
/** Issuers whose ranges are narrow enough to be believed without a cue. */
const NARROW: ReadonlySet<string> = new Set(["visa", "mastercard", "american-express", "discover", "jcb", "diners-club", "unionpay"]);

/** How many numbers of one text the tables are asked about, at 12 us each; for those beyond, which no honest text has, Luhn and length decide. */
const MAX_ASKED = 200;

export const creditCard: Detector = {
  types: ["CREDIT_CARD"],
  digits: true,
  *detect(text): Iterable<Detection> {
    let asked = 0;
    for (const match of text.matchAll(CANDIDATE)) {
      const [written] = match;
      const digits = digitsOf(written);
      if (!luhn(digits) || /^(\d)\1*$/.test(digits)) continue;
      const start = match.index;
      const end = start + written.length;
      const cued = CUE.test(wordsBefore(text, start)) || CUE.test(wordsAfter(text, end));
      const confidence = asked++ < MAX_ASKED ? confidenceOf(digits, written, cued) : CONFIDENCE.likely;
      if (confidence !== null) yield { start, end, type: "CREDIT_CARD", confidence };
    }
  },
};

function confidenceOf(digits: string, written: string, cued: boolean): number | null {
  const { card, isValid } = valid.number(digits);
  if (cued) return isValid ? CONFIDENCE.certain : CONFIDENCE.strong;
  if (!isValid || card === null || !NARROW.has(card.type)) return null;
  if (GROUPED.test(written)) return CONFIDENCE.strong;
  return written === digits && digits.length >= 15 ? CONFIDENCE.likely : null;
}
