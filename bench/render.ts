/** A measurement's JSON line as a line for people: `name=value`, and what belongs together behind its name. */

/** renderLine gives the text as it came when it is no JSON object. */
export function renderLine(line: string): string {
  let fields: unknown;
  try {
    fields = JSON.parse(line);
  } catch {
    return line;
  }
  if (typeof fields !== "object" || fields === null) return line;
  return Object.entries(fields)
    .map(([name, value]: [string, unknown]) => (isGroup(value) ? `${name}{${pairs(value)}}` : `${name}=${String(value)}`))
    .join("  ");
}

function isGroup(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}

function pairs(group: Readonly<Record<string, unknown>>): string {
  return Object.entries(group)
    .map(([name, value]) => `${name}=${String(value)}`)
    .join(" ");
}
