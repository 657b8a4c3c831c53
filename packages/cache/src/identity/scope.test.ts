import { describe, expect, it } from "vitest";
import { defaultIdentityHeaders, scopeHash, type Scope } from "./scope.ts";

const settings = { secret: "a secret of the deployment", headers: defaultIdentityHeaders };
type Identity = { readonly user?: string; readonly team?: string; readonly groups?: string; readonly tenant?: string };

function headersOf({ user, team, groups, tenant }: Identity): ReadonlyMap<string, string> {
  const named: [string, string | undefined][] = [
    ["x-authz-user-id", user],
    ["x-authz-team-id", team],
    ["x-authz-user-groups", groups],
    ["x-authz-tenant-id", tenant],
  ];
  return new Map(named.filter((entry): entry is [string, string] => entry[1] !== undefined));
}

const result = (scope: Scope, identity: Identity) => scopeHash(scope, headersOf(identity), settings);
const hash = (scope: Scope, identity: Identity): string => {
  const found = result(scope, identity);
  return found.kind === "scope" ? found.hash : `none: ${found.reason}`;
};

describe("scopeHash", () => {
  it.each<[Scope, Identity, string]>([
    ["user", {}, "missing_user"],
    ["user", { user: "" }, "missing_user"],
    ["user", { user: " \t" }, "missing_user"],
    ["user", { team: "t", groups: "g", tenant: "c" }, "missing_user"],
    ["user", { user: "ann, bob" }, "several_values_user"],
    ["user", { user: "ann,bob" }, "several_values_user"],
    ["user", { user: "ann," }, "several_values_user"],
    ["user", { user: "ann", tenant: "a, b" }, "several_values_tenant"],
    ["user", { user: "ann", tenant: "\uFFFD" }, "unreadable_tenant"],
    ["user", { user: "an\uFFFD" }, "unreadable_user"],
    ["team", {}, "missing_team"],
    ["team", { user: "ann", tenant: "c" }, "missing_team"],
    ["team", { team: "a, b", groups: "g" }, "several_values_team"],
    ["team", { groups: ", admins" }, "missing_team"],
    ["team", { groups: "\uFFFD, admins" }, "unreadable_team"],
    ["team", { team: "t", tenant: "a, b" }, "several_values_tenant"],
    ["tenant", { user: "ann", team: "t" }, "missing_tenant"],
    ["tenant", { tenant: "a, b" }, "several_values_tenant"],
  ])("gives no %s scope to %j: %s", (scope, identity, reason) => {
    expect(result(scope, identity)).toEqual({ kind: "none", reason });
  });

  it("has a hash for each scope, and never the same", () => {
    const everything = { user: "x", team: "x", groups: "x", tenant: "x" };
    const hashes = (["user", "team", "tenant", "global"] as const).map((scope) => hash(scope, everything));
    expect(new Set(hashes).size).toBe(4);
    for (const one of hashes) expect(one).toMatch(/^[\w-]{43}$/);
  });

  it("tells a user by tenant and id alone", () => {
    const ann = hash("user", { user: "ann", tenant: "c" });
    expect(hash("user", { user: "ann", tenant: "c", team: "t", groups: "g" })).toBe(ann);
    const others = [
      { user: "ann" },
      { user: "ann", tenant: "d" },
      { user: "bob", tenant: "c" },
      { user: "c", tenant: "ann" },
      { user: "Ann", tenant: "c" },
    ];
    for (const other of others) expect(hash("user", other)).not.toBe(ann);
  });

  it("tells look-alikes and spaces apart", () => {
    const names = ["caf\u00e9", "cafe\u0301", "\uff21nn", "Ann", "ann", " ann", "ann ", "ann\u00a0", "\u0430nn"];
    expect(new Set(names.map((user) => hash("user", { user }))).size).toBe(names.length);
  });

  it("takes the first group for the team where none is named, and keeps the two apart", () => {
    const blue = hash("team", { groups: "blue" });
    expect(hash("team", { groups: "blue, red" })).toBe(blue);
    expect(hash("team", { groups: "blue,red" })).toBe(blue);
    expect(hash("team", { groups: "red, blue" })).not.toBe(blue);
    expect(hash("team", { team: "blue" })).not.toBe(blue);
    expect(hash("team", { team: "blue", groups: "red" })).toBe(hash("team", { team: "blue" }));
  });

  it("asks nobody's name for the global scope", () => {
    expect(hash("global", {})).toBe(hash("global", { user: "a, b", tenant: "c" }));
  });

  it("reads the headers it is told to, and no others", () => {
    const custom = { ...settings, headers: { ...defaultIdentityHeaders, user: "x-user" } };
    expect(scopeHash("user", new Map([["x-authz-user-id", "ann"]]), custom)).toEqual({ kind: "none", reason: "missing_user" });
    expect(scopeHash("user", new Map([["x-user", "ann"]]), custom)).toEqual(scopeHash("user", headersOf({ user: "ann" }), settings));
  });

  it("depends on the secret", () => {
    const other = scopeHash("user", headersOf({ user: "ann" }), { ...settings, secret: "another" });
    expect(other).not.toEqual(result("user", { user: "ann" }));
  });
});
