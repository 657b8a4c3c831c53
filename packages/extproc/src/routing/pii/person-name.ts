/**
 * The form of a person's name as it is written in a text: one to four capitalised words, with initials, particles (van, de la) and
 * what may follow (Jr., PhD). It says nothing of whether such words are a name: that is for the cue before them.
 */

const WORD = "\\p{Lu}(?:[\\p{L}\\p{M}]{1,24}(?:['’\\-][\\p{L}\\p{M}]{1,24}){0,2}|['’]\\p{Lu}[\\p{L}\\p{M}]{1,24})";
const INITIAL = "\\p{Lu}(?:\\.|(?=\\s))";
const PARTICLE = "(?:van|von|vom|zu|der|den|de|da|do|dos|das|di|del|della|la|le|bin|ibn|al|el|ter|ten|af|y|e)";
const PART = `(?:${PARTICLE} ){0,3}(?:${WORD}|${INITIAL})`;
const SUFFIX = "(?:,? (?:Jr|Sr|II|III|IV|PhD|MD|DDS|DVM|Esq)\\.?(?!\\p{L}))?";

/** NAME matches one to four parts; FULL_NAME at least two. Sources of expressions with the flag "u". */
export const NAME = `(?:${WORD}|${INITIAL})(?: ${PART}){0,3}${SUFFIX}`;
export const FULL_NAME = `(?:${WORD}|${INITIAL})(?: ${PART}){1,3}${SUFFIX}`;
/** A name in lower case, as people type in a hurry. */
export const LOWER_NAME = "\\p{Ll}[\\p{L}\\p{M}'’-]{1,24}(?: \\p{Ll}[\\p{L}\\p{M}'’-]{1,24}){0,2}";

/** Words that follow "my name is", "I am" and the like, or begin a line, and are no name. */
const NO_NAME: ReadonlySet<string> = new Set(
  (
    "a an the this that these those it its my your his her our their and or but nor not no yes so too also just only very really quite still already " +
    "in on at to of for from by with about as if than then there here what who whom whose which when where why how is are was were be been being am " +
    "do does did done have has had can could will would shall should may might must going trying looking getting making writing working asking wondering " +
    "spelled spelt mispronounced pronounced common unique unusual changed misspelled wrong correct incorrect written listed missing different same similar " +
    "hard difficult easy long short weird ok okay fine good great bad sorry happy sad glad sure afraid tired hungry new old english french german spanish " +
    "italian portuguese russian chinese japanese korean indian american british canadian australian irish scottish dutch european african asian arab " +
    "christian muslim jewish catholic monday tuesday wednesday thursday friday saturday sunday january february march april june july august september " +
    "october november december mr mrs ms miss dr prof sir madam madame god chat chatgpt claude gemini siri alexa copilot assistant bot ai gpt team all everyone " +
    "everybody folks guys friend friends there customer support service hr it id ceo cto cfo null nil undefined true false none unknown redacted anonymous human hiring recruiting sales editor reader valued neighbors students parents colleagues committee professor doctor mom dad grandma grandpa diary santa world claude assistant llama mistral grok deepseek qwen google cortana test user username admin root variable " +
    "number name names first last full company product project file function class method table column field server data base street road avenue inc llc ltd gmbh corp university " +
    "called legally actually currently probably basically officially now today tomorrow yesterday one two three nobody nothing something someone anyone"
  ).split(" "),
);

/** Words of organisations and offices, wherever they stand. */
const NOBODY: ReadonlySet<string> = new Set(
  "inc inc. llc ltd gmbh corp company department team support service services center centre resources office desk university school bank group association relations sales".split(
    " ",
  ),
);

/** An acronym, or a sentence in capitals. */
const SHOUTED = /\p{Lu}{3}/u;
const GENERATION = /,? (?:III|DDS|DVM)\.?$/;

/** isNoName is true of words that cannot be a person's name although they are capitalised like one. */
export function isNoName(words: string): boolean {
  if (SHOUTED.test(words.replace(GENERATION, "")) || !/\p{L}{2}/u.test(words)) return true;
  const [first = "", ...rest] = words.toLowerCase().split(/[\s,]+/);
  return NO_NAME.has(first.replace(/[.'’].*$/, "")) || NOBODY.has(first) || rest.some((word) => NOBODY.has(word));
}
