/** Dates of birth: a date that the text says is somebody's birthday. When someone of history was born is no personal data, and is asked often. */
import { CONFIDENCE, type Detection, type Detector } from "./detection.ts";

const MONTH =
  "(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?|januar|februar|märz|mai|juni|juli|oktober|dezember|enero|febrero|marzo|abril|mayo|junio|julio|agosto|septiembre|octubre|noviembre|diciembre|janvier|février|mars|avril|juin|juillet|août|septembre|octobre|novembre|décembre|janeiro|fevereiro|março|maio|junho|julho|setembro|outubro|novembro|dezembro)";
const DATE = `(?:\\d{1,2}[./-]\\d{1,2}[./-]\\d{2,4}|\\d{4}[./-]\\d{1,2}[./-]\\d{1,2}|\\d{4}年\\d{1,2}月\\d{1,2}日|\\d{1,2}(?:st|nd|rd|th|\\.)? (?:of |de )?${MONTH}\\.?,? (?:de )?\\d{4}|${MONTH}\\.? \\d{1,2}(?:st|nd|rd|th)?,? \\d{4})`;
/** What names the date as such. */
const NAMED =
  "(?:date of birth|birth ?dates?|d\\.?o\\.?b\\.?|birthday|fecha de nacimiento|date de naissance|geburtsdatum|geburtstag|data de nascimento|data di nascita|дата рождения|出生日期|生年月日)(?: is| was|'s| ist| es| é| est)?";
/** Who says it of themselves or of someone they speak of by a pronoun. */
const TOLD =
  "(?:(?:I|she|he|they|we) (?:was|were|am|is|are)|I'm|ich bin|(?:yo )?nac[ií]|je suis|eu nasci|sono) ?(?:born|geboren|née?|nat[oa])?(?: on| in| am| el| le| em| il)?";
const BIRTH = new RegExp(`(?<![A-Za-z])(?:${NAMED}|(${TOLD}))[\\s:(,-]{0,4}(?:on |the |el |le |am )?(${DATE})(?!\\d)`, "gi");
const SPOKEN_OF_BIRTH = /born|geboren|née?\b|nac[ií]|nasci|nat[oa]\b/i;

export const dateOfBirth: Detector = {
  types: ["DATE_OF_BIRTH"],
  digits: true,
  *detect(text): Iterable<Detection> {
    for (const match of text.matchAll(BIRTH)) {
      const [all, told, date = ""] = match;
      if (told !== undefined && !SPOKEN_OF_BIRTH.test(told)) continue;
      const end = match.index + all.length;
      const living = /^(?:1[0-8]\d\d)$/.test(/\d{4}/.exec(date)?.[0] ?? "") ? CONFIDENCE.weak : CONFIDENCE.strong;
      yield { start: end - date.length, end, type: "DATE_OF_BIRTH", confidence: living };
    }
  },
};
