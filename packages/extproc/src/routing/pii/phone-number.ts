/**
 * Telephone numbers. With a country code the library of Google's metadata judges them; without, any country's form is a row of digits
 * like many others, so that a North American form or the words around it must speak for it.
 *
 * The library's own search reads a text at 4 to 13 us per character (measured), too slow for the thread that routes: candidates are
 * found here, in one pass, and it is only asked about those with a country code, at 15 us each. Its smallest metadata tells what
 * number is valid; kinds of numbers, which the larger ones know, are not asked for.
 */
import { parsePhoneNumberFromString } from "libphonenumber-js/min";
import { digitsOf, wordsAfter, wordsBefore } from "./cues.ts";
import { CONFIDENCE, type Detection, type Detector } from "./detection.ts";

const CANDIDATE =
  /(?<![\w%=$€£¥₹]|\d[.,:\-/\\])(?:\+ ?|\(\+?)?\d(?:[ .\-/()\u00a0\u2011]{0,2}\d){5,16}(?: {0,2}(?:x|ext\.?|extension) ?\d{1,6}(?![\d]))?(?![\w%°]|[.,:]\d)/gi;

/** What is called a telephone number, anywhere shortly before it. */
const NAMED =
  /(?<!\p{L})(?:phone|telephone|tel|mobile|cell|cellphone|fax|whatsapp|landline|hotline|voicemail|pager|sms|contact (?:number|no|me|us|him|her|them)|(?:desk|office|home|work|direct)(?= ?:)|tel[eé]fonos?|m[oó]vil|celular|t[eé]l[eé]phone|portable|telefon(?:nummer)?|handy(?:nummer)?|rufnummer|mobil(?:nummer)?|telefone|telem[oó]vel|telefono|cellulare|телефон[а-я]*|моб)(?!\p{L})|电话|電話|手机|手機|携帯|फ़?ोन|फोन|मोबाइल|هاتف|جوال/iu;
/** A verb whose object a number is, or one whose place it is, or whose number it is: directly before it. */
const CALLED =
  /(?<!\p{L})(?:(?:call|calls|called|calling|text|texts|texted|ring|dial|dialed|dialled|reach|reached|contact|contacted|ll[aá]ma(?:me|r)?|appele[rz](?:-moi)?|joindre|anrufen|ruf(?:en)?|erreichen|ligue|ligar|chiama(?:mi)?)(?:[ -](?:me|us|him|her|them|it|back|now|up|today|again|unter|al|au|para|par)| \p{L}{2,15}(?= (?:at|on) ))?(?:[ -](?:at|on|to|from|using|via|with|under|el|le|o))?|(?:answer(?:s|ed|ing)?|available|reachable|pick(?:s|ed|ing)? up|hold of|messages?|messaging|get (?:me|us)|joignable|erreichbar)(?: \p{L}{2,5})?[ -](?:at|on|to|via|under|unter|au)|(?:my|his|her|their|your|our) number(?: is|['’]s|:)?)[\s:(]*$/iu;
/** A word or sign that a telephone number may follow, as may much else: then its grouping must be one of telephone numbers. */
const INTRODUCED = /(?:^|[:|;,]|(?<!\p{L})(?:at|on|to|from|via|is|or|and|unter|au|al|en|em))[ \t(]*$|\n[ \t]*$/iu;
/** Groupings: (area) number; trunk 0, then groups; pairs. */
const GROUPED =
  /^(?:\(0?\d{1,4}\) ?\d{3,5}[ -]\d{3,4}|0[1-9]\d{0,3}(?:[ -]\d{2,4}){2,4}|0[1-9]\d{0,3}[-/ ]\d{5,8}|\d{2}([ .-])\d{2}(?:\1\d{2}){2,3})$/;
const NAMED_AFTER = /^\s?[-–(,[]?\s?(?:office|fax|mobile|cell|home|work|phone|tel|desk|landline|main|direct)\b/iu;
/** What is called something else. A number that both is called a phone and something else is what stands nearer. */
const OTHERWISE =
  /(?<!\p{L})(?:isbn|issn|ean|upc|order|invoice|account|acct|case|ticket|tracking|reference|ref|serial|sku|part|model|item|patent|imei|vin|doi|pmid|arxiv|id|ids|zip|postcode|postal code|license|licence|passport|ssn|iban|bic|routing|sum of|total|population|numbers|digits|divide|multiply|sort|values?|data|seed|prime)(?:\s?(?:number|num|no|code|id))?\.?(?: (?:is|was|of|for|the|by|these|following))*[\s:#(=]*$/iu;

/** (ddd) ddd-dddd, ddd-ddd-dddd, ddd.ddd.dddd, ddd ddd dddd, each with or without a leading 1. */
const NORTH_AMERICAN = /^(?:(?:\+?1|001)[ .-]?)?(?:\(\d{3}\) ?\d{3}[ .-]\d{4}|\d{3}([ .-])\d{3}\1\d{4})$/;
const ASSIGNABLE = /^(?:001|1)?[2-9]\d{2}[2-9]\d{6}$/;
const EXTENSION = / *(?:x|ext\.?|extension) ?\d+$/i;
const DATE = /^(?:\d{4}([-/.])\d{1,2}\1\d{1,2}|\d{1,2}([-/.])\d{1,2}\2\d{4}|(?:19|20)\d{2}(?:0[1-9]|1[0-2])[0-3]\d(?=$))(?!\d)/;
/** Years, sums and tables: 1990-1995, 1 000 000, 12 24 36 48. */
const ROW = /^(?:(?:1[5-9]|20)\d{2}[ \-/(]+(?:1[5-9]|20)\d{2}.*|\d{1,2}(?: \d{3}){2,4}|\d{1,3}(?:[ /-]{1,2}\d{1,3}){6,}|\d+\.\d+)$/;

/** How near its name must stand to a number that could be a row, in UTF-16 units. */
const CLOSE = 24;
/** How many candidates of one text the library is asked about; for those beyond, which no honest text has, the form decides. */
const MAX_ASKED = 200;

export const phoneNumber: Detector = {
  types: ["PHONE_NUMBER"],
  digits: true,
  *detect(text): Iterable<Detection> {
    let asked = 0;
    for (const { 0: written, index: start } of text.matchAll(CANDIDATE)) {
      const end = start + written.length;
      const number = written.replace(EXTENSION, "");
      const extended = number.length < written.length;
      const digits = digitsOf(number);
      if (digits.length < 6 || digits.length > 15 || DATE.test(number)) continue;
      const before = wordsBefore(text, start);
      const international = /^\(?\+/.test(number);
      const confidence = international
        ? ofInternational(number, asked++ < MAX_ASKED)
        : ofNational(number, digits, extended, before, wordsAfter(text, end));
      if (confidence !== null) yield { start, end, type: "PHONE_NUMBER", confidence };
    }
  },
};

function ofInternational(number: string, ask: boolean): number | null {
  const parsed = ask ? parsePhoneNumberFromString(number.replace(/^\(/, "")) : undefined;
  if (!ask) return CONFIDENCE.likely;
  if (parsed?.isValid() === true) return CONFIDENCE.certain;
  return parsed?.isPossible() === true ? CONFIDENCE.likely : null;
}

function ofNational(number: string, digits: string, extended: boolean, before: string, after: string): number | null {
  if (OTHERWISE.test(before)) return null;
  if (CALLED.test(before) || NAMED_AFTER.test(after) || NAMED.test(before.slice(-CLOSE))) return CONFIDENCE.strong;
  const row = ROW.test(number);
  if (!row && NAMED.test(before)) return CONFIDENCE.strong;
  if (NORTH_AMERICAN.test(number) && !/^[\d ]+$/.test(number)) {
    return extended || number.includes("(") || ASSIGNABLE.test(digits) ? CONFIDENCE.likely : CONFIDENCE.weak;
  }
  if (extended && digits.length >= 7) return CONFIDENCE.likely;
  if (row || !GROUPED.test(number)) return null;
  return INTRODUCED.test(before) ? CONFIDENCE.likely : CONFIDENCE.weak;
}
