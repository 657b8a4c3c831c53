/** US social security numbers: no check digit, so ranges that were never given out, the form, and the words before. */
import { validate } from "stdnum/lib/cjs/us/ssn.js";
import { digitsOf, wordsBefore } from "./cues.ts";
import { CONFIDENCE, type Detection, type Detector, type PiiType } from "./detection.ts";

const CANDIDATE = /(?<!\w|\d[.,\-/])\d{3}([ .-]?)\d{2}\1\d{4}(?!\w|[.,\-/]\d)/g;
const CUE = /(?<!\p{L})(?:ssn|ss#|social[ -]security|social number|soc sec)(?!\p{L})/iu;
const ITIN_CUE = /(?<!\p{L})(?:itin|individual taxpayer|taxpayer id)/iu;
/** Area 9xx with these groups is a taxpayer number (ITIN). */
const ITIN = /^9\d{2}(?:5\d|6[0-5]|7\d|8[0-8]|9[0-24-9])\d{4}$/;

export const usSsn: Detector = {
  types: ["US_SSN", "US_ITIN"],
  digits: true,
  *detect(text): Iterable<Detection> {
    for (const match of text.matchAll(CANDIDATE)) {
      const before = wordsBefore(text, match.index);
      const found = judge(digitsOf(match[0]), match[1] ?? "", before);
      if (found !== null) yield { start: match.index, end: match.index + match[0].length, ...found };
    }
  },
};

function judge(digits: string, separator: string, before: string): { type: PiiType; confidence: number } | null {
  if (ITIN.test(digits) && ITIN_CUE.test(before)) return { type: "US_ITIN", confidence: CONFIDENCE.strong };
  const cued = CUE.test(before);
  if (validate(digits).isValid && !digits.endsWith("0000")) {
    if (cued) return { type: "US_SSN", confidence: separator === "" ? CONFIDENCE.strong : CONFIDENCE.certain };
    return separator === "-" ? { type: "US_SSN", confidence: CONFIDENCE.likely } : null;
  }
  // 9xx was never given out as an SSN, but people who are asked for theirs write their ITIN, or a number that was once advertised.
  if (cued && digits.startsWith("9") && separator !== "") return { type: "US_SSN", confidence: CONFIDENCE.likely };
  return null;
}
