/** What can go wrong with Redis, in a closed list of names for metrics, and as the RouterErrors that callers see. Pure. */
import { RouterError } from "@turnout/shared";

export type FailureReason =
  | "timeout"
  | "connection"
  | "loading"
  | "authentication"
  | "certificate"
  | "permission"
  | "read_only"
  | "out_of_memory"
  | "cluster"
  | "refused";

/** ReplyTimeout: no answer in time. The reply may still come; ioredis then drops it. */
export class ReplyTimeout extends Error {}

/** Beginnings of Redis' error replies. */
const REPLIES: readonly (readonly [prefix: string, reason: FailureReason])[] = [
  ["OOM", "out_of_memory"],
  ["READONLY", "read_only"],
  ["LOADING", "loading"],
  ["MASTERDOWN", "loading"],
  ["NOAUTH", "authentication"],
  ["WRONGPASS", "authentication"],
  ["NOPERM", "permission"],
  ["MOVED", "cluster"],
  ["ASK", "cluster"],
  ["TRYAGAIN", "cluster"],
  ["CROSSSLOT", "cluster"],
  ["CLUSTERDOWN", "cluster"],
  ["UNBLOCKED", "connection"],
];

/** failureReason names what happened; "refused" is a reply of Redis that none of the others is. */
export function failureReason(error: unknown): FailureReason {
  if (error instanceof ReplyTimeout) return "timeout";
  if (!(error instanceof Error)) return "connection";
  // A MULTI that was refused says why in the errors of its commands.
  const { previousErrors, code } = error as { previousErrors?: readonly unknown[]; code?: unknown };
  if (previousErrors?.[0] !== undefined) return failureReason(previousErrors[0]);
  for (const [prefix, reason] of REPLIES) if (error.message.startsWith(prefix)) return reason;
  if (typeof code === "string" && /^(ERR_TLS|ERR_SSL|CERT_|UNABLE_TO_|DEPTH_ZERO|SELF_SIGNED)/.test(code)) return "certificate";
  return error.name === "ReplyError" ? "refused" : "connection";
}

/** saysUnwell is true for failures after which the next call would probably fail as well; they open the breaker. */
export function saysUnwell(reason: FailureReason): boolean {
  return !["out_of_memory", "read_only", "permission", "refused"].includes(reason);
}

/** unavailable makes the caller's error. Only the message of what was thrown is kept: ioredis hangs the command with its bytes on errors. */
export function unavailable(reason: FailureReason, thrown: unknown): RouterError {
  const cause = thrown instanceof Error ? thrown.message : String(thrown);
  if (reason === "timeout") return new RouterError("cache_timeout", "Redis did not answer in time", { cause });
  return new RouterError("cache_unavailable", `Redis cannot be used now: ${reason.replaceAll("_", " ")}`, { cause });
}
