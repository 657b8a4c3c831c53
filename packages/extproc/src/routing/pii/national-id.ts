/**
 * Numbers that states give to people, one row a number: its form, its check digits (stdnum's validators), the words that name it.
 * Where the form is common and the check weak, the words are required.
 */
import { validate as brCnpj } from "stdnum/lib/cjs/br/cnpj.js";
import { validate as brCpf } from "stdnum/lib/cjs/br/cpf.js";
import { validate as caSin } from "stdnum/lib/cjs/ca/sin.js";
import { validate as cnResidentId } from "stdnum/lib/cjs/cn/ric.js";
import { validate as deTaxId } from "stdnum/lib/cjs/de/idnr.js";
import { validate as esDni } from "stdnum/lib/cjs/es/dni.js";
import { validate as esNie } from "stdnum/lib/cjs/es/nie.js";
import { validate as frNir } from "stdnum/lib/cjs/fr/nir.js";
import { validate as ukNino } from "stdnum/lib/cjs/gb/nino.js";
import { validate as inAadhaar } from "stdnum/lib/cjs/in/aadhaar.js";
import { validate as inPan } from "stdnum/lib/cjs/in/pan.js";
import { validate as itFiscalCode } from "stdnum/lib/cjs/it/codicefiscale.js";
import { validate as krRrn } from "stdnum/lib/cjs/kr/rrn.js";
import { validate as mxCurp } from "stdnum/lib/cjs/mx/curp.js";
import { validate as nlBsn } from "stdnum/lib/cjs/nl/bsn.js";
import { validate as plPesel } from "stdnum/lib/cjs/pl/pesel.js";
import { digitsOf, wordsBefore } from "./cues.ts";
import { CONFIDENCE, type Detection, type Detector, type PiiType } from "./detection.ts";

interface NationalId {
  readonly type: PiiType;
  /** Its form, without the borders. */
  readonly form: string;
  readonly cue: RegExp;
  /** Confidence without a cue; null: not believed. */
  readonly alone: number | null;
  valid(written: string): boolean;
}

type Validate = (written: string) => { readonly isValid: boolean };
const by = (validate: Validate) => (written: string) => validate(written.replaceAll(/[ ./-]/g, "").toUpperCase()).isValid;

const NATIONAL_IDS: readonly NationalId[] = [
  { type: "CA_SIN", form: "\\d{3}[ -]?\\d{3}[ -]?\\d{3}", cue: /social insurance|\bsin\b(?!\s*\()/iu, alone: null, valid: by(caSin) },
  { type: "UK_NHS", form: "\\d{3}[ -]?\\d{3}[ -]?\\d{4}", cue: /\bnhs\b/iu, alone: null, valid: ukNhs },
  {
    type: "UK_NINO",
    form: "[A-Z]{2} ?\\d{2} ?\\d{2} ?\\d{2} ?[A-D]",
    cue: /national insurance|\bnino\b|\bni (?:number|no)/iu,
    alone: CONFIDENCE.likely,
    valid: by(ukNino),
  },
  { type: "ES_NIF", form: "\\d{8}-?[A-Z]", cue: /\b(?:nif|dni|documento)\b/iu, alone: CONFIDENCE.likely, valid: by(esDni) },
  { type: "ES_NIE", form: "[XYZ]-?\\d{7}-?[A-Z]", cue: /\b(?:nie|nif|dni|extranjero)\b/iu, alone: CONFIDENCE.likely, valid: by(esNie) },
  {
    type: "DE_TAX_ID",
    form: "\\d{2} ?\\d{3} ?\\d{3} ?\\d{3}",
    cue: /steuer|\bidnr\b|identifikationsnummer|german tax|tax id/iu,
    alone: null,
    valid: by(deTaxId),
  },
  {
    type: "FR_NIR",
    form: "[12] ?\\d{2} ?\\d{2} ?(?:\\d{2}|2[AB]) ?\\d{3} ?\\d{3} ?\\d{2}",
    cue: /sécurité sociale|securite sociale|\bnir\b|\bnss\b|numéro de sécu/iu,
    alone: CONFIDENCE.likely,
    valid: by(frNir),
  },
  {
    type: "IT_FISCAL_CODE",
    form: "[A-Z]{6}\\d{2}[A-Z]\\d{2}[A-Z]\\d{3}[A-Z]",
    cue: /codice fiscale|fiscal code/iu,
    alone: CONFIDENCE.strong,
    valid: by(itFiscalCode),
  },
  {
    type: "NL_BSN",
    form: "\\d{3}[ .]?\\d{3}[ .]?\\d{3}|\\d{4}\\.\\d{2}\\.\\d{3}",
    cue: /\bbsn\b|burgerservice|sofinummer/iu,
    alone: null,
    valid: by(nlBsn),
  },
  { type: "PL_PESEL", form: "\\d{11}", cue: /\bpesel\b/iu, alone: null, valid: by(plPesel) },
  { type: "BR_CPF", form: "\\d{3}\\.\\d{3}\\.\\d{3}-\\d{2}", cue: /\bcpf\b/iu, alone: CONFIDENCE.strong, valid: by(brCpf) },
  { type: "BR_CPF", form: "\\d{11}", cue: /\bcpf\b/iu, alone: null, valid: by(brCpf) },
  { type: "BR_CNPJ", form: "\\d{2}\\.\\d{3}\\.\\d{3}/\\d{4}-\\d{2}", cue: /\bcnpj\b/iu, alone: CONFIDENCE.strong, valid: by(brCnpj) },
  { type: "MX_CURP", form: "[A-Z]{4}\\d{6}[HMX][A-Z]{5}[A-Z\\d]\\d", cue: /\bcurp\b/iu, alone: CONFIDENCE.strong, valid: by(mxCurp) },
  {
    type: "IN_AADHAAR",
    form: "[2-9]\\d{3}([ -]?)\\d{4}\\1\\d{4}",
    cue: /aadha?ar|\buid(?:ai)?\b|आधार/iu,
    alone: null,
    valid: by(inAadhaar),
  },
  {
    type: "IN_PAN",
    form: "[A-Z]{3}[ABCFGHJLPT][A-Z]\\d{4}[A-Z]",
    cue: /\bpan\b|permanent account/iu,
    alone: CONFIDENCE.likely,
    valid: by(inPan),
  },
  {
    type: "CN_RESIDENT_ID",
    form: "[1-9]\\d{16}[\\dX]",
    cue: /身份证|身份證|resident id|\bid\b/iu,
    alone: CONFIDENCE.likely,
    valid: by(cnResidentId),
  },
  { type: "KR_RRN", form: "\\d{6}-[1-8]\\d{6}", cue: /주민|\brrn\b|resident registration/iu, alone: CONFIDENCE.likely, valid: by(krRrn) },
];

const detectors = NATIONAL_IDS.map((id) => ({
  ...id,
  candidate: new RegExp(`(?<!\\w|\\d[.,\\-/])(?:${id.form})(?!\\w|[.,\\-/]\\d)`, "g"),
}));

export const nationalId: Detector = {
  types: [...new Set(NATIONAL_IDS.map(({ type }) => type))],
  digits: true,
  *detect(text): Iterable<Detection> {
    for (const { type, candidate, cue, alone, valid } of detectors) {
      for (const { 0: written, index: start } of text.matchAll(candidate)) {
        const confidence = cue.test(wordsBefore(text, start)) ? CONFIDENCE.certain : alone;
        if (confidence !== null && valid(written)) yield { start, end: start + written.length, type, confidence };
      }
    }
  },
};

/** ukNhs is the mod 11 check of the English health service, which stdnum lacks. */
function ukNhs(written: string): boolean {
  const digits = digitsOf(written);
  let sum = 0;
  for (let place = 0; place < 9; place++) sum += (10 - place) * (digits.charCodeAt(place) - 48);
  const check = (11 - (sum % 11)) % 11;
  return check !== 10 && check === digits.charCodeAt(9) - 48;
}
