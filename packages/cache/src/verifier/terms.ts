/** Terms of a question as the pair verifier aligns them: tokens with set phrases folded into one word, each with its stem and its weight. Pure. */
import { quantitiesOf } from "../guards/quantities.ts";
import type { Reading, Token } from "../guards/read.ts";
import { spanWords } from "../guards/spans.ts";
import { stem } from "../guards/stem.ts";
import type { Lexicon } from "./lexicon.ts";
import { phraseTable } from "./synonyms.ts";

export interface Term {
  readonly kind: Token["kind"];
  readonly text: string;
  readonly stem: string;
  readonly named: boolean;
  /** What sort of function word it is, or "content". */
  readonly role: Role;
  /** How much it says, 0 to 1: little for a word of every question, 1 for one that is hardly ever seen. */
  readonly weight: number;
  /** Whether it is a word of the table of weights, and so no slip of the fingers. */
  readonly known: boolean;
}

export type Role = "content" | "wh" | "modal" | "person" | "preposition" | "quantifier" | "conjunction" | "tense" | "filler";

const roles: Readonly<Record<Exclude<Role, "content">, string>> = {
  wh: "what which who whom whose when where why how",
  modal: "can could may might must should shall would will have_to need ought cannot able",
  person: `i me my mine myself you your yours yourself he him his she her hers it its we us our ours they them their theirs
    someone somebody anyone anybody one`,
  preposition: `in on at to from of for with without by about into onto over under above below between among through during before after
    against around across behind beyond near off out up down since until till per via within toward towards along than as like inside outside`,
  quantifier: `all any some every each no none both either neither many much more most few fewer less least several only another other first last
    enough half whole always never ever again too very`,
  conjunction: "and or but nor so because if unless although though while whereas whether that then",
  tense: "is are was were be been being am do does did has have had going",
  filler: `a an the this that these those there here just also really actually please ok okay hi hello thanks so well kind sort thing things stuff
    get got want like know tell say let make way give good best need help would question answer possible`,
};

const roleOf: ReadonlyMap<string, Role> = new Map(
  Object.entries(roles)
    .toReversed()
    .flatMap(([role, words]) => words.split(/\s+/).map((word): [string, Role] => [word, role as Role])),
);

/** termsOf folds phrases and weighs words. */
export function termsOf({ tokens }: Reading, lexicon: Lexicon): Term[] {
  const terms: Term[] = [];
  const quantities = quantitiesOf(tokens);
  for (let i = 0; i < tokens.length; i += 1) {
    const token = tokens[i] as Token;
    const quantity = quantities.find(({ from }) => from === i);
    if (quantity !== undefined) {
      const { text } = quantity;
      terms.push({ kind: "number", text, stem: text, named: false, role: "content", weight: 1, known: true });
      i = quantity.to;
      continue;
    }
    if (token.kind === "span" && !token.raw.startsWith("`")) {
      const words = spanWords(token.text);
      if (words.length <= MAX_PHRASE) {
        for (const word of words) terms.push(wordTerm(word, stem(word), false, "content", lexicon));
        continue;
      }
    }
    if (token.kind !== "word") {
      terms.push({ kind: token.kind, text: token.text, stem: token.text, named: false, role: "content", weight: 1, known: true });
      continue;
    }
    let { text } = token;
    for (const { rest, word } of phraseTable.get(text) ?? []) {
      if (!rest.every((next, k) => tokens[i + 1 + k]?.text === next)) continue;
      text = word;
      i += rest.length;
      break;
    }
    terms.push(wordTerm(text, stem(text), token.named, roleOf.get(text) ?? "content", lexicon));
  }
  return terms;
}

/** Quotations up to so many words are read word by word; longer ones are pasted text, which is the same or not. */
const MAX_PHRASE = 6;

function wordTerm(text: string, root: string, named: boolean, role: Role, lexicon: Lexicon): Term {
  const weight = lexicon.weightOf(root);
  return { kind: "word", text, stem: root, named, role, weight: weight ?? 1, known: weight !== undefined || role !== "content" };
}

/** Longest acronym that is looked for as the initials of words. */
const MAX_ACRONYM = 5;

/** joinLike puts terms together that the other question has as one: "plexi glass" for "plexiglass", "chief executive officer" for "ceo". */
export function joinLike(terms: readonly Term[], others: readonly Term[]): readonly Term[] {
  const own = new Set(terms.map(({ text }) => text));
  const wanted = new Map(
    others
      .filter(({ kind, text }) => kind === "word" && text.length > 1 && !own.has(text))
      .map((term) => [term.text.replace("^", ""), term]),
  );
  if (wanted.size === 0) return terms;
  const joined: Term[] = [];
  for (let i = 0; i < terms.length; i += 1) {
    const term = terms[i] as Term;
    let found: { readonly term: Term; readonly length: number } | undefined;
    if (term.kind === "word") {
      const next = terms[i + 1];
      const whole = next?.kind === "word" ? wanted.get(term.text + next.text) : undefined;
      if (whole !== undefined) found = { term: whole, length: 2 };
      let initials = term.text[0] as string;
      for (let n = 1; n < MAX_ACRONYM && found === undefined && terms[i + n]?.kind === "word"; n += 1) {
        initials += (terms[i + n] as Term).text[0] as string;
        const short = wanted.get(initials);
        if (short !== undefined && (n > 1 || short.named) && short.role === "content") found = { term: short, length: n + 1 };
      }
    }
    joined.push(found?.term ?? term);
    i += (found?.length ?? 1) - 1;
  }
  return joined;
}
