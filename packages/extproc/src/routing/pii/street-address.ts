/**
 * Postal addresses: a house number with a word that only streets have, in the writing of several countries, or any number after
 * words that announce an address. Postcodes only where they are called so.
 */
import { wordsBefore } from "./cues.ts";
import { CONFIDENCE, type Detection, type Detector } from "./detection.ts";

const NAME_WORD = "(?:\\p{Lu}[\\p{L}\\p{M}'’.-]{0,24}|\\d{1,3}(?:st|nd|rd|th))";
const HOUSE = "\\d{1,6}[A-Za-z]?(?:[-/]\\d{1,4})?";
const UNIT = "(?:,?\\s{1,2}(?:[Aa]pt|[Aa]partment|[Ss]uite|[Ss]te|[Uu]nit|[Ff]loor|[Rr]oom|[Rr]m|#)\\.? ?#?\\w{1,6})";
const REGION = "(?:,? [A-Z]{2},? \\d{5}(?:-\\d{4})?)";
const TOWN =
  "(?:,\\s{1,2}(?!Apt|Apartment|Suite|Ste|Unit|Floor|Room|[A-Z]{2}(?!\\p{L}))\\p{Lu}[\\p{L}'’.-]{1,24}(?: \\p{Lu}[\\p{L}'’.-]{1,24}){0,2})";

const ENGLISH = `${HOUSE},? (?:(?:north|south|east|west|[NSEW]{1,2})\\.? )?${NAME_WORD}(?: ${NAME_WORD}){0,3} (?:Street|St|Avenue|Ave|Road|Rd|Boulevard|Blvd|Lane|Ln|Drive|Dr|Court|Ct|Terrace|Parkway|Pkwy|Circle|Crescent|Highway|Hwy)(?![\\p{L}\\d])\\.?${UNIT}?${TOWN}?${REGION}?`;
const GERMANIC = `\\p{Lu}[\\p{L}-]{1,24}(?:straße|strasse|str\\.|allee|gasse|weg|platz|ufer|gatan|vägen|vegen|veien|gade|katu|tie|straat|laan|plein|gracht) ${HOUSE}(?!\\d|[.,]\\d)`;
const ROMANCE = `(?:Calle|C/|Avenida|Avda\\.?|Paseo|Plaza|Via|Viale|Piazza|Corso|Rua|Travessa|Praça|ul\\.|ulica|улица|ул\\.) (?:[\\p{L}'’.-]{1,24},? ){1,5}(?:n[º°.] ?)?${HOUSE}`;
const FRENCH = `${HOUSE},? (?:bis,? |ter,? )?(?:rue|avenue|boulevard|place|chemin|allée|impasse|quai) (?:[\\p{L}'’.-]{1,24} ?){1,5}`;
const POSTAL =
  "(?:P\\.? ?O\\.? Box \\d{1,6}|(?:PSC|Unit) \\d{3,5},? Box \\d{2,5}(?:\\s{1,2}(?:APO|FPO|DPO) A[AEP] \\d{5})?|(?:APO|FPO|DPO) A[AEP] \\d{5})";

const FORM = new RegExp(`(?<![\\p{L}\\d_.,$€£])(?:${ENGLISH}|${GERMANIC}|${ROMANCE}|${FRENCH}|${POSTAL})`, "gu");

/** What follows announces an address; it must begin with a number, or hold one before the line ends. */
const ANNOUNCED =
  /(?<!\p{L})(?:(?:i|we|she|he|they) (?:live|lives|reside|resides)(?: at| in)|lives at|(?:my|our|his|her|their|the|home|new|billing|shipping|delivery|mailing|postal|current|residential)(?: \w{2,10})? address(?: is|:| to)?|(?:ship|deliver|send|mail)(?: it| them| this| the package)? to|address(?: of [\p{L}\d .&'-]{1,30})? is|address:)[\s:]{1,3}(?:the )?(\d{1,6}[^\n,.;?!]{5,80})/giu;
/** What is no part of it any more. */
const NEXT = /\s(?:and|or|but|phone|tel|telephone|mobile|cell|call|e-?mail|mail|ssn|dob|born|\S*@).*$/is;
/** A street's name has a letter of its own size, or is followed by a town. */
const STREETLIKE = /^\d{1,6}[A-Za-z]?,? (?:\d{1,4} )?\p{Lu}\p{L}/u;
const ZIP =
  /(?<!\p{L})(?:zip|zip ?code|post(?:al)? ?code|plz|c[oó]digo postal|code postal|cep|postleitzahl|postnummer)(?: is|:)?[\s:#]{1,3}(\d{2}-\d{3}|\d{5}-\d{3,4}|\d{3} \d{2}|\d{3,6}|[A-Z]\d[A-Z] ?\d[A-Z]\d|[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2})(?![\p{L}\d])/giu;
/** Texts about streets, not about where someone lives. */
const PUBLIC = /(?:restaurant|museum|hotel|station|office|embassy|hospital|store|shop)s?(?: \w{1,12}){0,3} (?:at|on|in|is)\s*$/iu;

export const streetAddress: Detector = {
  types: ["STREET_ADDRESS", "ZIP_CODE"],
  digits: true,
  *detect(text): Iterable<Detection> {
    for (const { 0: address, index: start } of text.matchAll(FORM)) {
      const confidence = PUBLIC.test(wordsBefore(text, start)) ? CONFIDENCE.weak : CONFIDENCE.likely;
      yield { start, end: start + address.trimEnd().length, type: "STREET_ADDRESS", confidence };
    }
    for (const match of text.matchAll(ANNOUNCED)) {
      const announced = match[1] ?? "";
      const address = announced.replace(NEXT, "").trimEnd();
      if (!STREETLIKE.test(address)) continue;
      const start = match.index + match[0].length - announced.length;
      yield { start, end: start + address.length, type: "STREET_ADDRESS", confidence: CONFIDENCE.likely };
    }
    for (const match of text.matchAll(ZIP)) {
      const end = match.index + match[0].length;
      yield { start: end - (match[1] ?? "").length, end, type: "ZIP_CODE", confidence: CONFIDENCE.likely };
    }
  },
};
