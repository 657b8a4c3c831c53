/**
 * Parts of a message in which a preference may be stated. "How does TLS work? Two lines, please" is about TLS as a whole, and says how
 * it wants its answer in a clause. Pure; called by the preference signal.
 */

/** Characters of a long message that are read, at either end: wishes stand there, not in what was pasted between. */
const READ = 1_000;
/** Clauses that are read, of more than so many half from the beginning and half from the end. */
const MAX_CLAUSES = 6;
/** Words of a stretch of a long clause, and from one stretch to the next. */
const STRETCH = 7;
const STRIDE = 3;
/** Clauses a little longer than a stretch are left whole. */
const SLACK = 2;
/** Parts in all, each of which the encoder reads. */
const MAX_PARTS = 9;
const SHORTEST = 6;

const CLAUSE_END = /(?<=[.!?;:,…])\s+|(?<=[。！？；：，、।؟،])\s*|(?<!\s)\s+[-–—]\s+|\n+/;

/** partsOf a message: the whole, its clauses, and of long clauses overlapping stretches. */
export function partsOf(text: string): readonly string[] {
  const read = text.length <= 2 * READ ? text : `${text.slice(0, READ)}\n${text.slice(-READ)}`;
  const clauses = read
    .split(CLAUSE_END)
    .map((clause) => clause.trim())
    .filter((clause) => clause.length >= SHORTEST);
  const parts = new Set([text, ...ends(clauses, MAX_CLAUSES).flatMap(stretches)]);
  return ends([...parts], MAX_PARTS);
}

function stretches(clause: string): readonly string[] {
  const words = clause.split(/\s+/);
  if (words.length <= STRETCH + SLACK) return [clause];
  const count = Math.ceil((words.length - STRETCH) / STRIDE) + 1;
  return Array.from({ length: count }, (_, index) => words.slice(index * STRIDE, index * STRIDE + STRETCH).join(" "));
}

/** ends are at most `limit` of a list, from both of its ends. */
function ends(list: readonly string[], limit: number): readonly string[] {
  if (list.length <= limit) return list;
  const head = Math.ceil(limit / 2);
  return [...list.slice(0, head), ...list.slice(head - limit)];
}
