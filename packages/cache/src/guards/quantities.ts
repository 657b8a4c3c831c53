/** Numbers and what they measure: "2 days" and "48 hours" are one quantity, "5 mg" and "5 g" are two, and so are 3.11 and 3.12. */
import { sameMarks, type Guard } from "./guard.ts";
import { hashMark } from "./hash.ts";
import { everyUnit, shyUnits, unitOf } from "./numbers.ts";
import type { Token } from "./read.ts";

export const quantities: Guard = {
  name: "number",
  note: ({ tokens }) =>
    quantitiesOf(tokens)
      .map(({ text }) => hashMark(text))
      .toSorted((a, b) => a - b),
  agree: sameMarks,
};

/** Quantity is a number with its unit, or a unit alone, and which tokens it is made of. */
export interface Quantity {
  readonly text: string;
  readonly from: number;
  readonly to: number;
}

/** quantitiesOf lists the quantities in the order of the text. */
export function quantitiesOf(tokens: readonly Token[]): Quantity[] {
  const found: Quantity[] = [];
  for (let i = 0; i < tokens.length; i += 1) {
    const { kind, text } = tokens[i] as Token;
    const next = tokens[i + 1];
    if (kind === "number") {
      const before = tokens[i - 1];
      const clock = clockTime(text, next);
      if (clock !== undefined) {
        const half = /^(?:am|pm|a\.m|p\.m)\^?$/.test(next?.text ?? "") ? 1 : 0;
        found.push({ text: clock, from: i, to: i + half });
        i += half;
        continue;
      }
      const sign = before?.kind === "symbol" || currencyCode.test(before?.text ?? "") ? unitOf.get(before?.text ?? "") : undefined;
      const sized = unitAfter(tokens, i);
      const unit = sign ?? sized;
      const value = /^\d+(?:\.\d+)?$/.test(text) ? Number(text) + halfAfter(tokens, i) : undefined;
      if (unit !== undefined && value !== undefined) {
        const length = sign === undefined ? (sized?.length ?? 0) : 0;
        found.push({ text: `${unit.kind}:${round(value * unit.factor)}`, from: sign === undefined ? i : i - 1, to: i + length });
        i += length;
      } else {
        found.push({ text, from: i, to: i });
      }
    } else if (
      kind === "word" &&
      (text === "a" || text === "an" || text === "half" || text === "per" || text === "every" || text === "each")
    ) {
      // "an hour", "half an hour", "per hour".
      const at = text === "half" && /^an?$/.test(next?.text ?? "") ? i + 2 : i + 1;
      const unit = unitOf.get(tokens[at]?.text ?? "");
      if (unit === undefined || shyUnits.has(tokens[at]?.text ?? "")) continue;
      // "A year is a leap year" counts nothing.
      if ((text === "a" || text === "an") && uncounted.has(tokens[i - 1]?.text ?? "")) continue;
      const more = text === "half" ? 0 : halfAfter(tokens, at - 1);
      found.push({ text: `${unit.kind}:${round(unit.factor * ((text === "half" ? 0.5 : 1) + more))}`, from: i, to: at });
      i = at;
    } else if (kind === "word" && everyUnit.has(text)) {
      const unit = unitOf.get(everyUnit.get(text) as string);
      if (unit !== undefined) found.push({ text: `${unit.kind}:${unit.factor}`, from: i, to: i });
    } else if (kind === "word") {
      const unit = shyUnits.has(text) ? undefined : unitOf.get(text);
      // Time units without a number ("the other day", "years later") say little.
      if (unit !== undefined && next?.kind !== "number" && unit.kind !== "time" && unit.kind !== "months")
        found.push({ text: `${unit.kind}:${unit.factor}?`, from: i, to: i });
    }
  }
  return found;
}

/** What stands before "a year" where it is no measure; nothing is the beginning. */
const uncounted: ReadonlySet<string> = new Set([
  "",
  ..."whether if is are was were what does do did that which of like such the".split(" "),
]);
const currencyCode = /^(?:eur|usd|gbp|chf|jpy|inr)$/;

/** halfAfter is the half of "an hour and a half". */
function halfAfter(tokens: readonly Token[], at: number): number {
  const ahead = tokens.slice(at + 1, at + 5).map(({ text }) => text);
  const start = ahead[0] === "and" ? 0 : 1;
  return ahead[start] === "and" && ahead[start + 1] === "a" && ahead[start + 2] === "half" ? 0.5 : 0;
}

function unitAfter(tokens: readonly Token[], at: number): { kind: string; factor: number; length: number } | undefined {
  const next = tokens[at + 1];
  if (next === undefined) return undefined;
  const after = tokens[at + 2];
  if (next.text === "°" || next.text === "degrees" || next.text === "degree" || next.text === "º") {
    const scale = { c: "celsius", celsius: "celsius", centigrade: "celsius", f: "fahrenheit", fahrenheit: "fahrenheit" }[after?.text ?? ""];
    return scale === undefined ? { kind: "degree", factor: 1, length: 1 } : { kind: scale, factor: 1, length: 2 };
  }
  if (next.joined && (next.raw === "C" || next.raw === "F"))
    return { kind: next.raw === "C" ? "celsius" : "fahrenheit", factor: 1, length: 1 };
  const squared = next.text === "square" || next.text === "sq";
  const unit = unitOf.get(squared ? (after?.text ?? "") : next.text);
  if (unit === undefined) return undefined;
  if (squared || after?.text === "²") return { kind: `square ${unit.kind}`, factor: unit.factor ** 2, length: 2 };
  return { ...unit, length: 1 };
}

/** clockTime of "17:00" and "5 pm" in minutes after midnight. */
function clockTime(text: string, next: Token | undefined): string | undefined {
  const found = /^(\d{1,2})(?::(\d{2}))?$/.exec(text);
  if (found === null) return undefined;
  const half = /^(am|pm|a\.m|p\.m)\^?$/.exec(next?.text ?? "")?.[1]?.[0];
  if (half === undefined && found[2] === undefined) return undefined;
  const hour = Number(found[1]);
  const minutes = (half === "p" && hour < 12 ? hour + 12 : half === "a" && hour === 12 ? 0 : hour) * 60 + Number(found[2] ?? 0);
  return `clock:${minutes}`;
}

const round = (value: number) => Number(value.toPrecision(9));
