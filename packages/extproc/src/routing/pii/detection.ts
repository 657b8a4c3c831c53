/**
 * The vocabulary of personal data: types, what a detection is, what a detector is. Pure data; every other file of this folder
 * builds on it, and so do rules that name types.
 */

/** PII_TYPES are the types that detectors find, under the names that vLLM Semantic Router and Presidio give them. */
export const PII_TYPES = [
  "CREDIT_CARD",
  "IBAN_CODE",
  "US_BANK_NUMBER",
  "US_SSN",
  "US_ITIN",
  "CA_SIN",
  "UK_NHS",
  "UK_NINO",
  "ES_NIF",
  "ES_NIE",
  "DE_TAX_ID",
  "FR_NIR",
  "IT_FISCAL_CODE",
  "NL_BSN",
  "PL_PESEL",
  "BR_CPF",
  "BR_CNPJ",
  "MX_CURP",
  "IN_AADHAAR",
  "IN_PAN",
  "CN_RESIDENT_ID",
  "KR_RRN",
  "PASSPORT",
  "US_DRIVER_LICENSE",
  "EMAIL_ADDRESS",
  "PHONE_NUMBER",
  "IP_ADDRESS",
  "API_KEY",
  "JWT",
  "PRIVATE_KEY",
  "PASSWORD",
  "DATE_OF_BIRTH",
  "PERSON",
  "STREET_ADDRESS",
  "ZIP_CODE",
  "URL",
  "DOMAIN_NAME",
] as const;

/** PiiType is one of them. */
export type PiiType = (typeof PII_TYPES)[number];

/** UNASKED are types that seldom say anything of a person: found only when they are asked for by name. */
const UNASKED: ReadonlySet<PiiType> = new Set(["URL", "DOMAIN_NAME"]);

/** DEFAULT_PII_TYPES are those that count when nobody names any. */
export const DEFAULT_PII_TYPES: ReadonlySet<PiiType> = new Set(PII_TYPES.filter((type) => !UNASKED.has(type)));

/** STRUCTURED_PII_TYPES have a form that can be checked; figures of them are comparable between detectors. */
export const STRUCTURED_PII_TYPES: ReadonlySet<PiiType> = new Set([
  "CREDIT_CARD",
  "EMAIL_ADDRESS",
  "IP_ADDRESS",
  "US_SSN",
  "IBAN_CODE",
  "PHONE_NUMBER",
]);

/**
 * CONFIDENCE has four steps, so that a threshold means something: how often such a detection is what it is taken for. Between
 * `weak` and `likely` lies the default threshold.
 */
export const CONFIDENCE = {
  /** The form is checked and the text says what it is. */
  certain: 0.99,
  /** Either a check that chance seldom passes, or a form that fits what the text says it is. */
  strong: 0.95,
  /** A form that hardly anything else has, or a cue that is mostly right. */
  likely: 0.85,
  /** Could as well be something else. */
  weak: 0.4,
} as const;

/** DEFAULT_PII_THRESHOLD leaves out what is weak. */
export const DEFAULT_PII_THRESHOLD = 0.7;

/** Detection is one stretch of a text, in UTF-16 offsets: `text.slice(start, end)`. It never holds the text itself. */
export interface Detection {
  readonly start: number;
  readonly end: number;
  readonly type: PiiType;
  /** 0..1, one of CONFIDENCE. */
  readonly confidence: number;
}

/** Detector finds some types in a text, in time linear in its length whatever the text. What it gives may overlap. */
export interface Detector {
  readonly types: readonly PiiType[];
  /** True when a text without a digit can have nothing of it: most prompts are then not searched. */
  readonly digits: boolean;
  detect(text: string): Iterable<Detection>;
}
