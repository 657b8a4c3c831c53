import type { SourceText } from "./config-error.ts";
import { dotted, type Located } from "./located.ts";

/** ConfigWarning is something in a valid file that the operator should know before serving with it. */
export interface ConfigWarning {
  readonly file: string;
  readonly line: number;
  /** Set where the value comes from this environment variable; `line` is then 0. */
  readonly variable?: string;
  readonly path: string;
  readonly message: string;
}

/** warningAt places a warning at a value. */
export function warningAt(source: SourceText, node: Located, message: string): ConfigWarning {
  const { start, variable } = node.key ?? node.span;
  const place = { file: source.file, path: dotted(node.path), message };
  return variable === undefined ? { ...place, line: source.position(start).line } : { ...place, line: 0, variable };
}

/** renderWarning prints one line. */
export function renderWarning({ file, line, variable, path, message }: ConfigWarning): string {
  return `${variable === undefined ? `${file}:${line}` : `environment variable ${variable}`}: ${path}: ${message}`;
}
