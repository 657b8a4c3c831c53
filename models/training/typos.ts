/** Writes texts as they are typed in haste: training learns from such copies, and figures are given for them. */
import { seeded } from "./random.ts";

/** Neighbours on a keyboard; letters of other scripts and accented ones have none here. */
const KEYS = ["qwertyuiop", "asdfghjkl", "zxcvbnm"];
/** Letters of the shortest word that is mistyped. */
const SHORTEST = 3;
/** Share of words with a typing error. */
const TYPOS = 0.2;

const neighbours = new Map(
  KEYS.flatMap((row, y) =>
    [...row].map((key, x): [string, string] => [
      key,
      [row[x - 1], row[x + 1], KEYS[y - 1]?.[x], KEYS[y - 1]?.[x + 1], KEYS[y + 1]?.[x - 1], KEYS[y + 1]?.[x]].join(""),
    ]),
  ),
);

/** withTypos changes TYPOS of a text's words, each once: letters swapped, left out, doubled, mistyped, or no space after. Always in the same way. */
export function withTypos(text: string): string {
  const random = seeded([...text].reduce((seed, letter) => (Math.imul(seed, 31) + (letter.codePointAt(0) as number)) | 0, 7));
  return text.replace(/\p{L}+ ?/gu, (found) => {
    const word = found.trimEnd();
    if (word.length < SHORTEST || random() >= TYPOS) return found;
    const at = 1 + Math.floor(random() * (word.length - 1));
    const [before, letter, after] = [word.slice(0, at), word[at] as string, word.slice(at + 1)];
    const space = found.slice(word.length);
    switch (Math.floor(random() * 5)) {
      case 0:
        return `${before.slice(0, -1)}${letter}${before.slice(-1)}${after}${space}`;
      case 1:
        return `${before}${after}${space}`;
      case 2:
        return `${before}${letter}${letter}${after}${space}`;
      case 3:
        return `${before}${mistyped(letter, random)}${after}${space}`;
      default:
        return word;
    }
  });
}

/** mistyped is a key beside the one that was meant. */
function mistyped(letter: string, random: () => number): string {
  const near = neighbours.get(letter.toLowerCase()) ?? letter;
  return near[Math.floor(random() * near.length)] as string;
}
