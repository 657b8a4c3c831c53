import { RouterError } from "@turnout/shared";
import { dotted, type Path, type Span } from "./located.ts";

/**
 * What is wrong with a configuration file, as data and as text for people. A check reports into a ProblemReport and goes on;
 * at the end all problems are thrown together as one ConfigError, in the order of the file.
 */

/** ConfigProblem is one complaint. Lines and columns count from 1; they are 0 where the value comes from an environment variable. */
export interface ConfigProblem {
  /** "unsupported": valid in vLLM Semantic Router, not implemented here. */
  readonly kind: "invalid" | "unsupported";
  readonly file: string;
  /** The environment variable that the value comes from; null: the file. */
  readonly variable: string | null;
  readonly line: number;
  readonly column: number;
  /** Characters that the caret underlines. */
  readonly width: number;
  readonly path: string;
  readonly found: string;
  /** Null where `advice` says it all. */
  readonly expected: string | null;
  /** Known word that was most likely meant. */
  readonly nearest: string | null;
  readonly advice: string | null;
  readonly sourceLine: string;
}

/** ProblemEntry is what a check says; the report adds the place. */
export interface ProblemEntry {
  readonly kind?: ConfigProblem["kind"];
  readonly path: Path;
  readonly span: Span;
  /** Everything at or below this path is answered for by this problem. Defaults to `path`. */
  readonly scope?: Path;
  readonly found: string;
  readonly expected: string | null;
  readonly nearest?: string | null;
  readonly advice?: string | null;
}

/** SourceText is the file as text: turns offsets into lines. */
export class SourceText {
  readonly file: string;
  readonly text: string;
  readonly #lineStarts: readonly number[];

  constructor(file: string, text: string) {
    this.file = file;
    this.text = text;
    const starts = [0];
    for (let end = text.indexOf("\n"); end !== -1; end = text.indexOf("\n", end + 1)) starts.push(end + 1);
    this.#lineStarts = starts;
  }

  /** position counts lines and columns from 1. */
  position(offset: number): { readonly line: number; readonly column: number } {
    let low = 0;
    let high = this.#lineStarts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.#lineStarts[middle] ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    return { line: low + 1, column: offset - (this.#lineStarts[low] ?? 0) + 1 };
  }

  /** line gives the text of a line without its end. */
  line(number: number): string {
    const start = this.#lineStarts[number - 1] ?? 0;
    return this.text.slice(start, (this.#lineStarts[number] ?? this.text.length + 1) - 1).replace(/\r$/, "");
  }
}

/** ProblemReport collects what the checks find in one file. */
export class ProblemReport {
  readonly #source: SourceText;
  readonly #entries: { readonly scope: Path; readonly problem: ConfigProblem }[] = [];

  constructor(source: SourceText) {
    this.#source = source;
  }

  add(entry: ProblemEntry): void {
    this.#entries.push({
      scope: entry.scope ?? entry.path,
      problem: {
        kind: entry.kind ?? "invalid",
        file: this.#source.file,
        ...this.#placeOf(entry.span),
        path: dotted(entry.path),
        found: entry.found,
        expected: entry.expected,
        nearest: entry.nearest ?? null,
        advice: entry.advice ?? null,
      },
    });
  }

  #placeOf({ start, end, variable }: Span): Pick<ConfigProblem, "variable" | "line" | "column" | "width" | "sourceLine"> {
    if (variable !== undefined) return { variable, line: 0, column: 0, width: 0, sourceLine: "" };
    const { line, column } = this.#source.position(start);
    const sourceLine = this.#source.line(line);
    const width = Math.max(1, Math.min(end - start, sourceLine.length - column + 1));
    return { variable: null, line, column, width, sourceLine: withoutSecrets(sourceLine) };
  }

  /** covers is true when something at or above `path` was already reported, so that a second complaint would only repeat it. */
  covers(path: Path): boolean {
    return this.#entries.some(({ scope }) => startsWith(path, scope));
  }

  /** coversAnyIn is true when a whole map at `path`, or a whole entry of it, was reported. */
  coversAnyIn(path: Path): boolean {
    return this.covers(path) || this.#entries.some(({ scope }) => scope.length === path.length + 1 && startsWith(scope, path));
  }

  /** problems in the order of the file, after those of environment variables. */
  get problems(): readonly ConfigProblem[] {
    return this.#entries.map(({ problem }) => problem).sort((a, b) => a.line - b.line || a.column - b.column);
  }

  /** error is what a file with these problems is refused with. */
  error(): ConfigError {
    return new ConfigError(this.problems);
  }
}

/** ConfigError is the refusal of a file with everything that is wrong with it. Its message is what the operator reads. */
export class ConfigError extends RouterError {
  readonly problems: readonly ConfigProblem[];

  constructor(problems: readonly ConfigProblem[]) {
    super(problems.every(({ kind }) => kind === "unsupported") ? "config_unsupported" : "config_invalid", renderProblems(problems));
    this.name = "ConfigError";
    this.problems = problems;
  }
}

const shownProblems = 50;

/** renderProblems prints a heading and each problem with its source line; after fifty it only counts. */
function renderProblems(problems: readonly ConfigProblem[]): string {
  const file = problems[0]?.file ?? "configuration";
  const heading = `${file}: ${problems.length} problem${problems.length === 1 ? "" : "s"}`;
  const hidden = problems.length - shownProblems;
  return [heading, ...problems.slice(0, shownProblems).map(renderProblem), ...(hidden > 0 ? [`… and ${hidden} more`] : [])].join("\n\n");
}

/** renderProblem prints one problem: place, path, what was found and expected, what to do, the line and a caret. */
export function renderProblem(problem: ConfigProblem): string {
  const relation = problem.kind === "unsupported" ? "supported here:" : "expected";
  const judgement = `found ${problem.found}${problem.expected === null ? "" : `; ${relation} ${problem.expected}`}`;
  const suggestion = problem.nearest === null ? null : `Did you mean "${problem.nearest}"?`;
  const words = `  ${[judgement, suggestion, problem.advice]
    .filter((text) => text !== null)
    .join(". ")
    .replaceAll("?. ", "? ")}`;
  if (problem.variable !== null)
    return [`environment variable ${problem.variable}${problem.path === dotted([]) ? "" : `: ${problem.path}`}`, words].join("\n");
  const number = String(problem.line);
  const margin = " ".repeat(number.length);
  const caret = problem.sourceLine.slice(0, problem.column - 1).replace(/\S/g, " ") + "^".repeat(problem.width);
  return [
    `${problem.file}:${problem.line}:${problem.column}: ${problem.path}`,
    words,
    `  ${number} | ${problem.sourceLine}`,
    `  ${margin} | ${caret}`,
  ].join("\n");
}

function startsWith(path: Path, prefix: Path): boolean {
  return prefix.length <= path.length && prefix.every((step, index) => step === path[index]);
}

/** withoutSecrets keeps the source line of a literal key or password out of logs; only its place in the line stays. */
function withoutSecrets(line: string): string {
  return line.replace(
    /((?:key|token|password|secret)["']?\s*:\s*)(?!\$\{)(\S.*)$/i,
    (_, label: string, value: string) => label + "*".repeat(value.length),
  );
}
