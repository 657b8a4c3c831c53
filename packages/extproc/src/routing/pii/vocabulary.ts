/**
 * Names of personal data that configurations and token classifiers use, and the types of ours that they stand for. Read by the
 * pii signal when it is built and for entities of a model; never per character.
 */
import { PII_TYPES, type PiiType } from "./detection.ts";

/** ALIASES are other spellings: short forms, Presidio's names for what we do not tell apart, labels of published token classifiers. */
const ALIASES: Readonly<Record<string, PiiType>> = {
  ADDRESS: "STREET_ADDRESS",
  STREET: "STREET_ADDRESS",
  STREETADDRESS: "STREET_ADDRESS",
  BUILDINGNUM: "STREET_ADDRESS",
  SECONDARYADDRESS: "STREET_ADDRESS",
  ZIP: "ZIP_CODE",
  ZIPCODE: "ZIP_CODE",
  POSTCODE: "ZIP_CODE",
  POSTAL_CODE: "ZIP_CODE",
  EMAIL: "EMAIL_ADDRESS",
  PHONE: "PHONE_NUMBER",
  PHONENUMBER: "PHONE_NUMBER",
  TELEPHONENUM: "PHONE_NUMBER",
  SSN: "US_SSN",
  SOCIALNUM: "US_SSN",
  SOCIALNUMBER: "US_SSN",
  ITIN: "US_ITIN",
  CREDIT_CARD_NUMBER: "CREDIT_CARD",
  CREDITCARDNUMBER: "CREDIT_CARD",
  CREDITCARD: "CREDIT_CARD",
  IBAN: "IBAN_CODE",
  BANK_ACCOUNT: "US_BANK_NUMBER",
  ACCOUNTNUMBER: "US_BANK_NUMBER",
  ACCOUNTNUM: "US_BANK_NUMBER",
  IP: "IP_ADDRESS",
  IPV4: "IP_ADDRESS",
  IPV6: "IP_ADDRESS",
  PER: "PERSON",
  NAME: "PERSON",
  FIRSTNAME: "PERSON",
  LASTNAME: "PERSON",
  GIVENNAME: "PERSON",
  SURNAME: "PERSON",
  US_PASSPORT: "PASSPORT",
  PASSPORTNUM: "PASSPORT",
  DRIVER_LICENSE: "US_DRIVER_LICENSE",
  DRIVERLICENSENUM: "US_DRIVER_LICENSE",
  DATEOFBIRTH: "DATE_OF_BIRTH",
  DOB: "DATE_OF_BIRTH",
  NHS: "UK_NHS",
  NINO: "UK_NINO",
  NIF: "ES_NIF",
  CPF: "BR_CPF",
  CNPJ: "BR_CNPJ",
  AADHAAR: "IN_AADHAAR",
  DOMAIN: "DOMAIN_NAME",
};

/** MODEL_ONLY_TYPES are what token classifiers of vLLM Semantic Router and Presidio also find; a rule may allow them all the same. */
const MODEL_ONLY_TYPES = ["AGE", "DATE_TIME", "GPE", "LOCATION", "NRP", "ORGANIZATION", "TITLE", "CRYPTO", "MEDICAL_LICENSE"] as const;

/** KNOWN_PII_TYPES are all types that have a meaning without a model of one's own. */
export const KNOWN_PII_TYPES: ReadonlySet<string> = new Set([...PII_TYPES, ...MODEL_ONLY_TYPES]);

/** piiTypeOf gives the type that a name stands for; a name that we do not know stands for itself, in capitals. */
export function piiTypeOf(name: string): string {
  const upper = name
    .trim()
    .toUpperCase()
    .replaceAll(/[\s-]+/g, "_");
  return ALIASES[upper] ?? upper;
}
