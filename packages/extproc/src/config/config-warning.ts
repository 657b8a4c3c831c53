import type { SourceText } from "./config-error.ts";
import { dotted, type Located } from "./located.ts";

/** ConfigWarning is something in a valid file that the operator should know before serving with it. */
export interface ConfigWarning {
  readonly file: string;
  readonly line: number;
  readonly path: string;
  readonly message: string;
}

/** warningAt places a warning at a value. */
export function warningAt(source: SourceText, node: Located, message: string): ConfigWarning {
  const { line } = source.position((node.key ?? node.span).start);
  return { file: source.file, line, path: dotted(node.path), message };
}

/** renderWarning prints one line. */
export function renderWarning({ file, line, path, message }: ConfigWarning): string {
  return `${file}:${line}: ${path}: ${message}`;
}
