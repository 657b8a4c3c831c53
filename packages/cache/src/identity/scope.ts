/**
 * Who may share an answer. The identity comes from headers that a trusted gateway has set (the doors remove everyone else's before) and
 * leaves this module only as a keyed hash. What is missing or ambiguous is no identity: the request is then not cached at all, and
 * never falls back to a wider scope. Pure.
 *
 * A user is told by tenant and user id: ids are unique within a tenant at best. The team is not part of it: the same person asks in
 * several teams, the first of one's groups is no stable name, and a person may read what that person was answered. A team is told by
 * tenant and team. Where no tenant is named there is one tenant, which is not the tenant named "".
 */
import type { KeyObject } from "node:crypto";
import { keyedDigest } from "./framing.ts";

/** Scope says with whom an entry is shared; each is narrower than the next. */
export type Scope = "user" | "team" | "tenant" | "global";

/** IdentityHeaders are lower-case names of trusted headers (COMPAT: services.authz.identity). */
export interface IdentityHeaders {
  readonly user: string;
  /** List of groups, separated by commas; the first stands for the team where no team is named. */
  readonly groups: string;
  readonly team: string;
  readonly tenant: string;
}

export const defaultIdentityHeaders: IdentityHeaders = {
  user: "x-authz-user-id",
  groups: "x-authz-user-groups",
  team: "x-authz-team-id",
  tenant: "x-authz-tenant-id",
};

/** ScopeResult is the keyed hash of whom an entry belongs to, or why there is no telling. */
export type ScopeResult = { readonly kind: "scope"; readonly hash: string } | { readonly kind: "none"; readonly reason: NoScopeReason };

export type NoScopeReason = `missing_${Claim}` | `several_values_${Claim}` | `unreadable_${Claim}`;

type Claim = "user" | "team" | "tenant";

/** ScopeSettings are the deployment's: every replica needs the same secret. */
export interface ScopeSettings {
  readonly secret: string | Uint8Array | KeyObject;
  readonly headers: IdentityHeaders;
}

/** Headers as a RoutingRequest has them: lower-case names, several values of one joined with ", ". Only trusted ones. */
type TrustedHeaders = ReadonlyMap<string, string>;

/** scopeHash tells whose entries a request may read and write. */
export function scopeHash(scope: Scope, trusted: TrustedHeaders, { secret, headers }: ScopeSettings): ScopeResult {
  const found = (fields: readonly (string | null)[]): ScopeResult => ({
    kind: "scope",
    hash: keyedDigest(secret, "scope", [scope, ...fields]),
  });
  if (scope === "global") return found([]);

  const tenant = claimIn(trusted, headers.tenant, "tenant");
  if (tenant.kind === "none" && (scope === "tenant" || tenant.reason !== "missing_tenant")) return tenant;
  const tenantName = tenant.kind === "claim" ? tenant.value : null;
  if (scope === "tenant") return found([tenantName]);

  const own = scope === "user" ? claimIn(trusted, headers.user, "user") : teamIn(trusted, headers);
  return own.kind === "claim" ? found([tenantName, own.source, own.value]) : own;
}

/** Claim of a header; its source keeps a group "blue" apart from a team "blue". */
type ClaimResult =
  | { readonly kind: "claim"; readonly source: "user" | "team" | "tenant" | "group"; readonly value: string }
  | { readonly kind: "none"; readonly reason: NoScopeReason };

/**
 * claimIn reads a header of one value, which stays as it is, not even trimmed: two spellings are two people. A comma means that the
 * header came more than once, so that somebody may have put a name before or behind the gateway's; a name with a comma in it cannot be
 * told from that.
 */
function claimIn(trusted: TrustedHeaders, name: string, claim: Claim): ClaimResult {
  const value = trusted.get(name) ?? "";
  if (value.trim() === "") return { kind: "none", reason: `missing_${claim}` };
  if (value.includes(",")) return { kind: "none", reason: `several_values_${claim}` };
  return isReadable(value) ? { kind: "claim", source: claim, value } : { kind: "none", reason: `unreadable_${claim}` };
}

/** teamIn reads a list of groups where no team is named: the gateway must write that header anew, not add to what a client sent. */
function teamIn(trusted: TrustedHeaders, { team, groups }: IdentityHeaders): ClaimResult {
  const named = claimIn(trusted, team, "team");
  if (named.kind === "claim" || named.reason !== "missing_team") return named;
  const [first = ""] = (trusted.get(groups) ?? "").split(",", 1);
  if (first.trim() === "") return named;
  return isReadable(first) ? { kind: "claim", source: "group", value: first } : { kind: "none", reason: "unreadable_team" };
}

/** isReadable is false of what decoding has put a replacement character into: other bytes would have become the same text. */
function isReadable(value: string): boolean {
  return !value.includes("\uFFFD");
}
