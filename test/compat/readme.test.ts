/** What the documents say is there: links, paths, commands, configurations. */
import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { parseConfig } from "@turnout/extproc";
import { describe, expect, it } from "vitest";
import { parseAllDocuments } from "yaml";
import { createProgram } from "../../packages/extproc/src/cli/program.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const documents = globSync("{*.md,docs/**/*.md,{bench,config,deploy,loadtest,packages}/**/*.md}", {
  cwd: root,
  exclude: (path) => /node_modules|dist/.test(path),
});
const read = (document: string) => readFileSync(root + document, "utf8");

const FENCE = /^ *```(\w*)[^\n]*\n(.*?)^ *```/gms;
const prose = (text: string) => text.replaceAll(FENCE, "");

/** namedPaths are the targets of relative links, and what stands in code and looks like a path of this repository. */
function namedPaths(document: string): readonly string[] {
  const text = prose(read(document));
  const links = [...text.matchAll(/\]\((?!\w+:|#)([^)\s#]+)[^)]*\)/g)].map(([, target = ""]) => normalize(join(dirname(document), target)));
  const folders = "packages|test|scripts|docs|config|deploy|bench|loadtest|models|proto|\\.ci";
  const paths = [...text.matchAll(new RegExp(`\`((?:${folders})/[\\w./*@{},-]*)\``, "g"))].map(([, path = ""]) => path);
  return [...new Set([...links, ...paths])];
}

/** namedCommands are the words after `turnout` in code, up to the first that cannot be a command's name. */
function namedCommands(document: string): readonly string[] {
  const text = read(document);
  const code = [
    ...[...text.matchAll(FENCE)].map(([, , body = ""]) => body),
    ...[...prose(text).matchAll(/`([^`]+)`/g)].map(([, span = ""]) => span),
  ];
  return [...new Set(code.flatMap((piece) => [...piece.matchAll(/\bturnout((?: [a-z][a-z-]*)+)/g)].map(([, rest = ""]) => rest.trim())))];
}

/** unknownPart walks a command line down the program; null when every command on the way is there. */
function unknownPart(line: string): string | null {
  let command = createProgram({});
  for (const word of line.split(" ")) {
    if (command.commands.length === 0) return null;
    const next = command.commands.find((candidate) => candidate.name() === word);
    if (next === undefined) return word;
    command = next;
  }
  return null;
}

/** namedConfigurations are YAML documents that say `version:`, bare or under `config:`; other blocks are pieces or somebody else's. */
function namedConfigurations(document: string): readonly string[] {
  return [...read(document).matchAll(FENCE)]
    .filter(([, language]) => language === "yaml")
    .flatMap(([, , body = ""]) => parseAllDocuments(body))
    .filter((found) => found.has("version") || found.hasIn(["config", "version"]))
    .map(String);
}

describe("the documents", () => {
  it("are found", () => {
    expect(documents).toEqual(expect.arrayContaining(["README.md", "CONTRIBUTING.md", "docs/errors.md"]));
    expect(namedPaths("CONTRIBUTING.md")).toContain("packages/extproc/src/routing/signals/");
    expect(documents.flatMap(namedCommands)).toContain("config check");
  });

  it.each(documents)("%s names files that exist", (document) => {
    expect(namedPaths(document).filter((path) => !existsSync(root + path) && globSync(path, { cwd: root }).length === 0)).toEqual([]);
  });

  it.each(documents)("%s names commands that exist", (document) => {
    expect(namedCommands(document).filter((line) => unknownPart(line) !== null)).toEqual([]);
  });

  it.each(documents)("%s shows configurations that load", (document) => {
    for (const body of namedConfigurations(document)) {
      expect(() => parseConfig(body, { file: document, env: {} })).not.toThrow();
    }
  });
});
