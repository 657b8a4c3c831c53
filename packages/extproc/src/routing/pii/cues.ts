/**
 * What detectors ask of the words around a value. A cue is looked for in a short stretch only, so that asking costs the same
 * wherever the value stands.
 */

/** How far before a value, in UTF-16 units, the words may stand that say what it is. */
const REACH = 48;
/** How far after it. */
const REACH_AFTER = 16;

/** wordsBefore is the stretch of text before a value in which its cue may stand. */
export function wordsBefore(text: string, start: number, reach = REACH): string {
  return text.slice(Math.max(0, start - reach), start);
}

/** wordsAfter is the stretch after it. */
export function wordsAfter(text: string, end: number, reach = REACH_AFTER): string {
  return text.slice(end, end + reach);
}

/** digitsOf drops everything but ASCII digits. */
export function digitsOf(text: string): string {
  return text.replaceAll(/\D+/g, "");
}

/** luhn is ISO/IEC 7812's check over a string of digits. */
export function luhn(digits: string): boolean {
  let sum = 0;
  for (let place = 1; place <= digits.length; place++) {
    const digit = digits.charCodeAt(digits.length - place) - 48;
    const doubled = digit * 2;
    sum += place % 2 === 1 ? digit : doubled > 9 ? doubled - 9 : doubled;
  }
  return digits.length > 0 && sum % 10 === 0;
}
