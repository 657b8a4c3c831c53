/** International bank account numbers: a country's own length and form, and ISO 7064's mod 97 (ibantools). A valid one is hardly chance. */
import { countrySpecs, isValidIBAN } from "ibantools";
import { CONFIDENCE, type Detection, type Detector } from "./detection.ts";

const START = /(?<!\w)[A-Za-z]{2}\d{2}(?=[ -]?[A-Za-z0-9])/g;

export const iban: Detector = {
  types: ["IBAN_CODE"],
  digits: true,
  *detect(text): Iterable<Detection> {
    for (const { 0: written, index: start } of text.matchAll(START)) {
      const length = countrySpecs[written.slice(0, 2).toUpperCase()]?.chars ?? 0;
      const end = length === 0 ? null : endOf(text, start, length);
      if (end === null) continue;
      const compact = text.slice(start, end).replaceAll(/[ -]/g, "").toUpperCase();
      // The remainder first: the library's own check of everything takes ten times as long, and texts can be full of candidates.
      if (mod97(compact) === 1 && isValidIBAN(compact)) yield { start, end, type: "IBAN_CODE", confidence: CONFIDENCE.certain };
    }
  },
};

/** endOf finds where `length` letters and digits, single spaces or hyphens between them, end with a word; null when they do not. */
function endOf(text: string, start: number, length: number): number | null {
  let place = start;
  for (let count = 0; count < length; place++) {
    const code = text.charCodeAt(place) | 0x20;
    if ((code >= 0x30 && code <= 0x39) || (code >= 0x61 && code <= 0x7a)) count++;
    else if (!/[ -]/.test(text.charAt(place)) || /[ -]/.test(text.charAt(place - 1))) return null;
  }
  return /\w/.test(text.charAt(place)) ? null : place;
}

/** mod97 of an IBAN: the first four characters moved to the end, letters as 10 to 35. */
function mod97(compact: string): number {
  let remainder = 0;
  for (let place = 0; place < compact.length; place++) {
    const code = compact.charCodeAt((place + 4) % compact.length);
    remainder = code <= 0x39 ? (remainder * 10 + code - 0x30) % 97 : (remainder * 100 + code - 0x37) % 97;
  }
  return remainder;
}
