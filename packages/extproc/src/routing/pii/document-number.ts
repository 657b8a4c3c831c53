/** Numbers of documents and accounts without a public check: believed only directly after the words that name them. */
import { CONFIDENCE, type Detection, type Detector, type PiiType } from "./detection.ts";

interface DocumentNumber {
  readonly type: PiiType;
  readonly cue: string;
  readonly form: string;
}

/** Between the name of a document and its number: "number is", "no.:", "#". */
const LINK = "(?:['’]?s)?(?: (?:number|no\\.?|num\\.?|#|id|code))?(?: (?:is|was|ist|es|est|é))?[\\s:#.-]{1,3}";

const DOCUMENTS: readonly DocumentNumber[] = [
  {
    type: "PASSPORT",
    cue: "passport|reisepass(?:nummer)?|pasaporte|passeport|passaporte?|护照号?码?|パスポート",
    form: "[A-Z]{0,3}\\d{6,9}[A-Z]{0,2}|[A-Z]\\d{2}[A-Z\\d]{5,6}",
  },
  {
    type: "US_DRIVER_LICENSE",
    cue: "driver(?:['’]?s?['’]?)? ?licen[cs]e|driving licen[cs]e|licen[cs]e number|dl(?= ?(?:#|no|num))",
    form: "[A-Z]{0,3}\\d{5,14}[A-Z]{0,2}|\\d{3,4}-\\d{2,4}-\\d{3,4}|[A-Z]\\d{3}-\\d{3,4}-\\d{3,4}(?:-\\d{1,4})?",
  },
  {
    type: "US_BANK_NUMBER",
    cue: "(?:bank |checking |savings )?account|acct|a/c|routing|sort code|kontonummer|cuenta bancaria|numéro de compte",
    form: "\\d{8,17}|\\d{2}-\\d{2}-\\d{2}",
  },
];

const detectors = DOCUMENTS.map(({ type, cue, form }) => ({
  type,
  candidate: new RegExp(`(?<![A-Za-z])(?:${cue})${LINK}(${form})(?!\\w|[.,-]\\d)`, "gi"),
}));

export const documentNumber: Detector = {
  types: DOCUMENTS.map(({ type }) => type),
  digits: true,
  *detect(text): Iterable<Detection> {
    for (const { type, candidate } of detectors) {
      for (const match of text.matchAll(candidate)) {
        const end = match.index + match[0].length;
        yield { start: end - (match[1] ?? "").length, end, type, confidence: CONFIDENCE.strong };
      }
    }
  },
};
