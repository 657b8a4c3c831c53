import type { HeaderChanges, HeaderEntry } from "@turnout/shared";

/**
 * Header lists of the HTTP gateway: what a proxy must drop on each side, and how an exchange's changes are applied. Values are
 * kept as Node reads and writes them (latin1, one character per byte), so that untouched headers leave as they came. The
 * gateway's request walk is the only caller.
 */

/** Headers that belong to one connection, not to the message (RFC 9110 section 7.6.1, and the older ones still seen in the wild). */
const HOP_BY_HOP = new Set([
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** entriesOf reads a flat raw header list (name, value, name, value, …); names become lower-case. */
export function entriesOf(raw: readonly string[]): HeaderEntry[] {
  const entries: HeaderEntry[] = [];
  for (let i = 0; i + 1 < raw.length; i += 2) entries.push([(raw[i] as string).toLowerCase(), raw[i + 1] as string]);
  return entries;
}

/** rawOf is the inverse of entriesOf: the list that Node and undici write without looking for duplicates. */
export function rawOf(entries: readonly HeaderEntry[]): string[] {
  const raw: string[] = [];
  for (const [name, value] of entries) raw.push(name, value);
  return raw;
}

/** headerValue finds the first value of a lower-case name. */
export function headerValue(entries: readonly HeaderEntry[], name: string): string | undefined {
  for (const entry of entries) if (entry[0] === name) return entry[1];
  return undefined;
}

/** withoutHopByHop drops the connection's own headers and every header that `connection` names. */
export function withoutHopByHop(entries: readonly HeaderEntry[]): HeaderEntry[] {
  const named = new Set<string>();
  for (const [name, value] of entries) {
    if (name !== "connection") continue;
    for (const token of value.split(",")) named.add(token.trim().toLowerCase());
  }
  return entries.filter(([name]) => !HOP_BY_HOP.has(name) && !named.has(name));
}

/** applyChanges applies removals, then sets, which overwrite. Values of ours may hold any text: they are made fit for the wire. */
export function applyChanges(entries: readonly HeaderEntry[], changes: HeaderChanges): HeaderEntry[] {
  if (changes.set.length === 0 && changes.remove.length === 0) return [...entries];
  const gone = new Set(changes.remove);
  for (const [name] of changes.set) gone.add(name);
  const kept = entries.filter(([name]) => !gone.has(name));
  for (const [name, value] of changes.set) kept.push([name, wireValue(value)]);
  return kept;
}

// oxlint-disable-next-line no-control-regex -- control characters are what this looks for
const CONTROL = /[\u0000-\u0008\u000a-\u001f\u007f]/g;
const BEYOND_LATIN1 = /[\u0100-\uffff]/;

/** wireValue makes a header value of any text: line breaks and other control characters become spaces, text beyond latin1 its UTF-8 bytes. */
export function wireValue(text: string): string {
  const value = text.replace(CONTROL, " ");
  return BEYOND_LATIN1.test(value) ? Buffer.from(value, "utf8").toString("latin1") : value;
}

/** requestIdOf accepts the client's id when it is short printable ASCII; anything else would travel into logs and headers as it is. */
export function requestIdOf(entries: readonly HeaderEntry[]): string | undefined {
  const id = headerValue(entries, "x-request-id");
  return id !== undefined && /^[\x21-\x7e]{1,128}$/.test(id) ? id : undefined;
}
