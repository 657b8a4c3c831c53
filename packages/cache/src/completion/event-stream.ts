/**
 * Reads server-sent events out of text cut anywhere, as the HTML standard says (9.2.6), with a bound on what it holds: an event that
 * a stream breaks off in is none, comments, ids and retry times are left out. Called by accumulate.ts.
 *
 * Why not eventsource-parser: its package offers TypeScript under the condition "source", which is ours for running from sources, and
 * Node reads no TypeScript in node_modules. It is the oracle of the tests.
 */

/** EventListener gets an event's type, empty for most, and its data. */
export type EventListener = (type: string, data: string) => void;

export class EventStreamReader {
  readonly #maxLength: number;
  readonly #listener: EventListener;
  /** The line that has not ended yet. */
  #line = "";
  /** The text before ended with CR, and a LF would still belong to it. */
  #afterReturn = false;
  #type = "";
  #data: string | null = null;

  /** `maxLength` bounds a line, and the data of an event; UTF-16 units. */
  constructor(maxLength: number, listener: EventListener) {
    this.#maxLength = maxLength;
    this.#listener = listener;
  }

  /** push gives false once a line or an event is too long; it is of no use after that. */
  push(text: string): boolean {
    if (text === "") return true;
    let start = this.#afterReturn && text.startsWith("\n") ? 1 : 0;
    this.#afterReturn = text.endsWith("\r");
    // Only new text is searched, or a long line in small pieces would take quadratic time.
    const lineBreak = /\r\n?|\n/g;
    lineBreak.lastIndex = start;
    for (let found = lineBreak.exec(text); found !== null; found = lineBreak.exec(text)) {
      const line = this.#line + text.slice(start, found.index);
      this.#line = "";
      start = lineBreak.lastIndex;
      if (line.length > this.#maxLength || !this.#take(line)) return false;
    }
    this.#line += text.slice(start);
    return this.#line.length <= this.#maxLength;
  }

  #take(line: string): boolean {
    if (line === "") {
      this.#dispatch();
      return true;
    }
    const colon = line.indexOf(":");
    const field = colon === -1 ? line : line.slice(0, colon);
    if (field !== "data" && field !== "event") return true;
    const value = colon === -1 ? "" : line.slice(line.startsWith(" ", colon + 1) ? colon + 2 : colon + 1);
    if (field === "event") this.#type = value;
    else this.#data = this.#data === null ? value : `${this.#data}\n${value}`;
    return (this.#data?.length ?? 0) <= this.#maxLength;
  }

  #dispatch(): void {
    const [type, data] = [this.#type, this.#data];
    this.#type = "";
    this.#data = null;
    if (data !== null) this.#listener(type, data);
  }
}
