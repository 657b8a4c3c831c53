/** The few pieces of Markdown that the generated pages are made of. Alignment and wrapping are oxfmt's work. */

/** code marks text as code. */
export function code(text: string): string {
  return `\`${text}\``;
}

/** codes marks a list of words as code; an empty list is a dash. */
export function codes(words: readonly string[]): string {
  return words.length === 0 ? "–" : words.map(code).join(", ");
}

/** table has one row per entry; a pipe in a cell is escaped, so that it does not end the cell. */
export function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll("|", String.raw`\|`)).join(" | ")} |`;
  return [line(heads), line(heads.map(() => "---")), ...rows.map(line)].join("\n");
}

/** list is a bullet for each entry. */
export function list(entries: readonly string[]): string {
  return entries.map((entry) => `- ${entry}`).join("\n");
}

/** page puts blocks under a title, with the note that it is generated. */
export function page(title: string, blocks: readonly string[]): string {
  const note = "<!-- Printed by scripts/generate-docs.ts from the sources: change those, then run `pnpm run docs`. -->";
  return `${[`# ${title}`, note, ...blocks].join("\n\n")}\n`;
}
