/**
 * Finds personal data in a text, in this thread, in time linear in its length. The list of detectors is the registry: a new one is a
 * file and a line. Called by the pii signal, by evaluation, and by whoever masks a text.
 */
import { creditCard } from "./credit-card.ts";
import { dateOfBirth } from "./date-of-birth.ts";
import { DEFAULT_PII_THRESHOLD, DEFAULT_PII_TYPES, type Detection, type Detector, type PiiType } from "./detection.ts";
import { documentNumber } from "./document-number.ts";
import { emailAddress } from "./email-address.ts";
import { iban } from "./iban.ts";
import { ipAddress } from "./ip-address.ts";
import { nationalId } from "./national-id.ts";
import { person } from "./person.ts";
import { phoneNumber } from "./phone-number.ts";
import { secret } from "./secret.ts";
import { streetAddress } from "./street-address.ts";
import { usSsn } from "./us-ssn.ts";
import { webAddress } from "./web-address.ts";

/** Of equally sure and long ones that overlap, the earlier in this list stands. */
const DETECTORS: readonly Detector[] = [
  creditCard,
  iban,
  usSsn,
  nationalId,
  documentNumber,
  emailAddress,
  secret,
  ipAddress,
  dateOfBirth,
  phoneNumber,
  person,
  streetAddress,
  webAddress,
];

/**
 * detectPii gives what is found of `types` with at least the confidence `threshold`, in the order of the text and never overlapping:
 * of what overlaps, the surest stands, then the longest.
 */
export function detectPii(
  text: string,
  types: ReadonlySet<PiiType> = DEFAULT_PII_TYPES,
  threshold: number = DEFAULT_PII_THRESHOLD,
): readonly Detection[] {
  const found: Detection[] = [];
  const digits = /\d/.test(text);
  for (const detector of DETECTORS) {
    if ((detector.digits && !digits) || !detector.types.some((type) => types.has(type))) continue;
    for (const detection of detector.detect(text)) {
      if (detection.confidence >= threshold && types.has(detection.type)) found.push(detection);
    }
  }
  return apart(found);
}

/** maskPii writes each detection's type in its place: `<EMAIL_ADDRESS>`. Detections are those of detectPii for the same text. */
export function maskPii(text: string, detections: readonly Detection[]): string {
  let masked = "";
  let from = 0;
  for (const { start, end, type } of detections) {
    masked += `${text.slice(from, start)}<${type}>`;
    from = end;
  }
  return masked + text.slice(from);
}

/** apart resolves overlaps. Sorting is stable, so that the order of DETECTORS decides what is otherwise equal. */
function apart(found: readonly Detection[]): readonly Detection[] {
  const kept: Detection[] = [];
  for (const detection of found.toSorted((a, b) => a.start - b.start)) {
    const last = kept.at(-1);
    if (last === undefined || last.end <= detection.start) kept.push(detection);
    else if (outdoes(detection, last)) kept[kept.length - 1] = detection;
  }
  return kept;
}

function outdoes(detection: Detection, other: Detection): boolean {
  if (detection.confidence !== other.confidence) return detection.confidence > other.confidence;
  return detection.end - detection.start > other.end - other.start;
}
