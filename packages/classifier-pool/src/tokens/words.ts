/** Where words begin, for models that label tokens: the same for every tokenizer, because labels are given to words. Pure. */

/** Space or punctuation, as BERT knows it. */
const BREAK = /[\s\p{P}$+<=>^`|~]/u;
/** Scripts that put no space between words: there each token stands for itself. */
const UNSPACED = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u;

/** beginsWord says whether a token that starts at `at` starts a word: behind a space or a mark of punctuation, or with one. */
export function beginsWord(text: string, at: number): boolean {
  if (at === 0 || BREAK.test(text[at - 1] ?? "")) return true;
  const character = String.fromCodePoint(text.codePointAt(at) ?? 0x20);
  return BREAK.test(character) || UNSPACED.test(character);
}
