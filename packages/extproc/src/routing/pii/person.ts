/**
 * Names of persons, by cues that are nearly always right: people who say who they are, signatures, fields of a form, kin and
 * colleagues. A name alone, or after Mr or Dr as in stories and exercises, is not believed: precision before recall. Reading names
 * without a cue is for a token classifier.
 */
import { CONFIDENCE, type Detection, type Detector } from "./detection.ts";
import { FULL_NAME, isNoName, LOWER_NAME, NAME } from "./person-name.ts";

interface Cue {
  /** What stands directly before the name; case is ignored. */
  readonly before: string;
  readonly name: string;
  /** What must stand after it. */
  readonly after?: string;
  readonly confidence: number;
}

const TITLE = "(?:(?:mr|mrs|ms|miss|mx|dr|prof|professor|herr|frau|señora?|sra?|monsieur|mme|madame)\\.? )?";
const KIN =
  "(?:wife|husband|partner|girlfriend|boyfriend|fiancée?|son|daughter|kid|child|baby|brother|sister|mother|father|mom|mum|dad|aunt|uncle|cousin|niece|nephew|grandmother|grandfather|grandma|grandpa|friend|colleague|co-?worker|boss|manager|neighbou?r|roommate|landlord|teacher|therapist|doctor)";
const CLIENT = "(?:patient|customer|client|employee|applicant|tenant|borrower|plaintiff|defendant)";
const FIELD =
  "(?:(?:full|first|last|given|family|maiden|legal) name|surname|(?:patient|customer|client|employee|applicant|guest|passenger)(?: name)?|contact person|account holder|card ?holder|name on card|beneficiary|recipient|ship to|bill to|(?:billing|shipping|delivery) address|attn|nombre|nom|vorname|nachname|nome)";
const CLOSING =
  "(?:regards|sincerely|yours truly|best wishes|many thanks|cheers|respectfully|mit freundlichen grüßen|viele grüße|cordialement|atentamente|saludos|atenciosamente|cordiali saluti|met vriendelijke groet)";

const CUES: readonly Cue[] = [
  // The one cue strong enough for names in lower case, as people type in a hurry.
  {
    before: `(?:my|(?:his|her|their)) (?:(?:full|first|last|maiden|legal|real|middle|family|given) )?name(?:['’]s|:| is)[ "“]{1,3}${TITLE}`,
    name: `(?:${NAME}|${LOWER_NAME}(?=\\s*(?:[.,;!?)\\n]|$| and | but | from )))`,
    confidence: CONFIDENCE.likely,
  },
  { before: `(?:${KIN}|${CLIENT})['’]?s? name(?:['’]s| is|:)? {1,2}["“]?${TITLE}`, name: NAME, confidence: CONFIDENCE.likely },
  {
    before: `(?:me llamo|mi nombre(?: completo)? es|je m['’]appelle|mon nom est|ich hei(?:ß|ss)e|mein name ist|(?:o )?meu nome é|(?:eu )?me chamo|mi chiamo|il mio nome è|mijn naam is|ik heet|jag heter|mitt namn är|jeg heter|mitt navn er|nazywam się|mam na imię|меня зовут)[ :]{1,3}${TITLE}`,
    name: NAME,
    confidence: CONFIDENCE.strong,
  },
  { before: "what(?:['’]s| is) your (?:full |first |last )?name\\?\\s{1,2}", name: NAME, confidence: CONFIDENCE.strong },
  {
    before: `this is ${TITLE}`,
    name: NAME,
    after: "(?: (?:from|speaking|calling|here|with|at) |\\. (?:I|Who|Can|Could|My) )",
    confidence: CONFIDENCE.likely,
  },
  {
    before: "I(?: a|['’])m (?:called |named )?",
    name: FULL_NAME,
    after: "(?=\\s*(?:[.,;!\\n]|$| and | from | at | with ))",
    confidence: CONFIDENCE.likely,
  },
  {
    before: "(?:everyone|everybody|friends|please|you can) calls? me |(?:she|he|they|we|I) named (?:him|her|them) ",
    name: NAME,
    confidence: CONFIDENCE.likely,
  },
  {
    before: `(?<=^[>*\\- ]{0,4}|[\\n;|,{(.?!][>*\\- "']{0,4})["']?(?:${FIELD}|name)["']? ?[:=] ?["']?${TITLE}`,
    name: FULL_NAME,
    confidence: CONFIDENCE.likely,
  },
  // The end of a letter: a closing, then a line that is a name.
  {
    before: `${CLOSING},?[ \\t]{0,4}\\n{1,3}[ \\t]{0,4}${TITLE}`,
    name: NAME,
    after: "(?=[ \\t]*(?:\\n|$|,))",
    confidence: CONFIDENCE.likely,
  },
  // And its beginning.
  { before: `(?<=^|\\n)[> \\t]{0,4}dear ${TITLE}`, name: NAME, after: "(?=[,:\\n])", confidence: CONFIDENCE.likely },
  { before: `(?<=^|\\n)[> \\t]{0,4}(?:hi|hello|hey) ${TITLE}`, name: NAME, after: "(?=,|\\n|!\\n)", confidence: CONFIDENCE.likely },
  // Someone whom the writer knows.
  {
    before: `(?:my|our) (?:(?:ex|late|older|younger|eldest|little|big|best|new|own)[ -])?(?:${KIN}|${CLIENT})(?: is)?(?:,| named| called)? `,
    name: NAME,
    after: "(?=\\s*(?:[.,;!?)\\n]|$| \\p{Ll}))",
    confidence: CONFIDENCE.likely,
  },
  {
    before: `(?:grand)?(?:mother|father|sister|brother|son|daughter) (?:was|is) (?:called|named) `,
    name: NAME,
    confidence: CONFIDENCE.likely,
  },
  { before: "follow(?:ing)? up with ", name: FULL_NAME, confidence: CONFIDENCE.likely },
  { before: `(?:contact|speak (?:to|with)|talk to|meet(?:ing)? with|${CLIENT}) `, name: FULL_NAME, confidence: CONFIDENCE.likely },
  // Stories, cases at law and exercises are full of these.
  { before: "(?:mr|mrs|ms|mx|dr|prof)\\.? ", name: NAME, confidence: CONFIDENCE.weak },
];

/** Case is ignored in cues and decides in names, so that each is an expression of its own. */
const cues = CUES.map(({ before, name, after = "", confidence }) => ({
  before: new RegExp(`(?<![A-Za-z\\d])(?:${before})`, "gi"),
  name: new RegExp(`(${name})(?![\\p{L}\\d])${after}`, "uy"),
  confidence,
}));

/** "Ann Lee lives at 12 …": the name stands before its cue, and not farther than this. */
const RESIDENCE = / (?:lives|lived|resides|is living) at \d/g;
const RESIDENT = new RegExp(`(?:^|[^\\p{L}])(${FULL_NAME})$`, "u");
const RESIDENT_REACH = 60;

const HAN_OR_KANA = /[\u3040-\u30ff\u4e00-\u9fff]/;
const HAN_NAME = /(?:我叫|我的名字(?:是|叫)|姓名[:：] ?)([\u4e00-\u9fff]{2,4})(?=[，。,.\s！!]|$)/g;
const JAPANESE_NAME = /(?:私の名前は|名前[:：] ?)([\u3040-\u30ff\u4e00-\u9fff]{2,8}?)(?=です|と申|[。、\s]|$)/g;

export const person: Detector = {
  types: ["PERSON"],
  digits: false,
  *detect(text): Iterable<Detection> {
    for (const { before, name, confidence } of cues) {
      for (const cue of text.matchAll(before)) {
        const start = cue.index + cue[0].length;
        name.lastIndex = start;
        const words = name.exec(text)?.[1];
        if (words !== undefined && !isNoName(words)) yield { start, end: start + words.length, type: "PERSON", confidence };
      }
    }
    for (const { index: end } of text.matchAll(RESIDENCE)) {
      const words = RESIDENT.exec(text.slice(Math.max(0, end - RESIDENT_REACH), end))?.[1];
      if (words !== undefined && !isNoName(words)) yield { start: end - words.length, end, type: "PERSON", confidence: CONFIDENCE.strong };
    }
    if (!HAN_OR_KANA.test(text)) return;
    for (const expression of [HAN_NAME, JAPANESE_NAME]) {
      for (const match of text.matchAll(expression)) {
        const end = match.index + match[0].length;
        yield { start: end - (match[1] ?? "").length, end, type: "PERSON", confidence: CONFIDENCE.likely };
      }
    }
  },
};
