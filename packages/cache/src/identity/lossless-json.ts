/**
 * JSON read so that nothing two readers could disagree about goes unnoticed, and written so that equal values are equal texts.
 * Numbers keep what a double loses (64-bit seeds), repeated keys and lone surrogates are refused. It knows nothing of requests.
 * Pure; called by canonical-request.ts.
 *
 * JSON.parse does the reading. A reviver costs three to five times the parse, so that it runs only where the text has a number
 * that could be one of the rare kind.
 */

/** ExactNumber is a number that no double stands for, by its canonical decimal. What a double stands for is never one. */
export class ExactNumber {
  readonly decimal: string;

  constructor(decimal: string) {
    this.decimal = decimal;
  }
}

/** UnreadableJson says why a text is not read. */
export type UnreadableJson = "malformed_json" | "too_deep" | "too_many_values" | "number_too_long" | "duplicate_key" | "lone_surrogate";

/** MAX_DEPTH of objects and arrays in one another; more is nobody's request. */
const MAX_DEPTH = 64;

/** MAX_VALUES, about: each takes 0.2 to 0.4 us. 64 kB of tool schemas have half as many. */
const MAX_VALUES = 8_192;

/** Decimals of so many characters without an exponent go through a double and back unharmed. */
const SAFE_DIGITS = 15;

/** Work on a number grows with the square of its digits. */
const MAX_DIGITS = 512;

/** readJson gives what the text says, or why that cannot be told for certain. It does not throw. */
export function readJson(text: string): { readonly value: unknown } | UnreadableJson {
  const { depth, values, members, longestNumber, exponents } = survey(text);
  if (depth > MAX_DEPTH) return "too_deep";
  if (values > MAX_VALUES) return "too_many_values";
  if (longestNumber > MAX_DIGITS) return "number_too_long";
  let value: unknown;
  try {
    value = exponents || longestNumber > SAFE_DIGITS ? JSON.parse(text, keepDigits) : JSON.parse(text);
  } catch {
    return "malformed_json";
  }
  const kept = countMembers(value);
  if (kept === null) return "lone_surrogate";
  // Of two members with one name JSON.parse keeps one, and another reader keeps the other.
  return kept === members ? { value } : "duplicate_key";
}

/** isRecord is true of JSON objects. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof ExactNumber);
}

/** HOLE stands for a text that is left out; no JSON value is written as it is. */
export const HOLE = Symbol("hole");

/**
 * canonicalText writes a value: keys sorted, numbers by value, strings with their length before them and unescaped (a third of the
 * cost of JSON's escapes). No value's text is the beginning of another's, so different values have different texts.
 */
export function canonicalText(value: unknown): string {
  if (typeof value === "string") return lengthPrefixed(value);
  if (typeof value === "number") return `#${value};`;
  if (value === null) return "n";
  if (value === true) return "t";
  if (value === false) return "f";
  if (value === HOLE) return "$";
  if (value instanceof ExactNumber) return `#exact ${value.decimal};`;
  if (Array.isArray(value)) {
    let text = "[";
    for (const item of value) text += canonicalText(item);
    return `${text}]`;
  }
  if (!isRecord(value)) throw new TypeError(`${typeof value} is not of JSON. This is a bug.`);
  let text = "{";
  for (const key of Object.keys(value).sort()) text += lengthPrefixed(key) + canonicalText(value[key]);
  return `${text}}`;
}

function lengthPrefixed(text: string): string {
  return `"${text.length}:${text}`;
}

/** canonicalDecimal is one spelling for all of a number's: digits without outer zeros, and the power of ten. 1, 1.0, 10e-1 are "1e0". */
export function canonicalDecimal(number: string): string {
  const [, sign = "", whole = "", fraction = "", exponent = "0"] = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(number) ?? [];
  const digits = (whole + fraction).replace(/^0+/, "");
  const significant = digits.replace(/0+$/, "");
  if (significant === "") return "0e0";
  const power = BigInt(exponent) + BigInt(digits.length - significant.length - fraction.length);
  return `${sign}${significant}e${power}`;
}

function keepDigits(_key: string, value: unknown, context?: { readonly source?: string }): unknown {
  if (typeof value !== "number") return value;
  const source = context?.source;
  // Node before 22 does not tell: the text is then not read at all, rather than with numbers that are nearly right.
  if (source === undefined) throw new TypeError("JSON.parse gives no sources of numbers");
  if (source.length <= SAFE_DIGITS && !/e/i.test(source)) return value;
  const decimal = canonicalDecimal(source);
  return Number.isFinite(value) && canonicalDecimal(String(value)) === decimal ? value : new ExactNumber(decimal);
}

const QUOTE = 0x22;
const PLUS = 0x2b;
const COMMA = 0x2c;
const MINUS = 0x2d;
const POINT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const COLON = 0x3a;
const LARGE_E = 0x45;
const BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const CLOSING_BRACKET = 0x5d;
const SMALL_E = 0x65;
const BRACE = 0x7b;
const CLOSING_BRACE = 0x7d;

interface Survey {
  readonly depth: number;
  /** About how many values there are. */
  readonly values: number;
  /** Members of all objects, repeated ones too. */
  readonly members: number;
  /** Characters of the longest number. */
  readonly longestNumber: number;
  /** Whether a number has an exponent. */
  readonly exponents: boolean;
}

/** survey looks at what stands outside strings, 2 ns a character; the text need not be JSON. */
function survey(text: string): Survey {
  let [open, depth, values, members, longestNumber, exponents] = [0, 0, 0, 0, 0, false];
  let number = 0;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code <= NINE && (code >= ZERO || code === MINUS || code === PLUS || code === POINT)) {
      number += 1;
      if (number > longestNumber) longestNumber = number;
      continue;
    }
    if (number > 0 && (code === SMALL_E || code === LARGE_E)) {
      number += 1;
      exponents = true;
      continue;
    }
    number = 0;
    if (code === QUOTE) at = closingQuote(text, at);
    else if (code === COLON) members += 1;
    else if (code === COMMA) values += 1;
    else if (code === BRACE || code === BRACKET) {
      values += 1;
      open += 1;
      if (open > depth) depth = open;
    } else if (code === CLOSING_BRACE || code === CLOSING_BRACKET) open -= 1;
  }
  return { depth, values, members, longestNumber, exponents };
}

function closingQuote(text: string, opening: number): number {
  for (let quote = text.indexOf('"', opening + 1); quote !== -1; quote = text.indexOf('"', quote + 1)) {
    let backslashes = 0;
    while (text.charCodeAt(quote - 1 - backslashes) === BACKSLASH) backslashes += 1;
    if (backslashes % 2 === 0) return quote;
  }
  return text.length;
}

/** countMembers of all objects in a value; null when some text has half a surrogate pair, which UTF-8 cannot tell from any other. */
function countMembers(value: unknown): number | null {
  if (typeof value === "string") return value.isWellFormed() ? 0 : null;
  if (typeof value !== "object" || value === null || value instanceof ExactNumber) return 0;
  let members = 0;
  if (!Array.isArray(value)) {
    const keys = Object.keys(value);
    if (!keys.every((key) => key.isWellFormed())) return null;
    members += keys.length;
  }
  for (const item of Array.isArray(value) ? value : Object.values(value)) {
    const inside = countMembers(item);
    if (inside === null) return null;
    members += inside;
  }
  return members;
}
