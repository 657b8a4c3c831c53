import { describe, expect, it } from "vitest";
import { cacheHeaders, routeHeaders, untrustedNames } from "./headers.ts";
import { createFixture, request, routing } from "./testing/fixtures.ts";

describe("routeHeaders", () => {
  it("writes configured names outside ASCII so that they fit into a header", async () => {
    const decisions = [{ name: "Rosen für alle\n", modelRefs: [{ model: "base", lora_name: "roses-expert" }] }];
    const { snapshot } = await createFixture({ routing: { ...routing, decisions } });
    const headers = new Map(routeHeaders(await snapshot.router.route(request("x"), {}), "upstream", true));
    expect(headers.get("x-vsr-selected-decision")).toBe("Rosen f%C3%BCr alle%0A");
    expect(headers.get("x-vsr-selected-confidence")).toBe("0.0000");
  });

  it("writes a name with half a surrogate pair", async () => {
    const decisions = [{ name: "half \uD83C", modelRefs: [{ model: "base", lora_name: "roses-expert" }] }];
    const { snapshot } = await createFixture({ routing: { ...routing, decisions } });
    const headers = new Map(routeHeaders(await snapshot.router.route(request("x"), {}), "upstream", true));
    expect(headers.get("x-vsr-selected-decision")).toBe("half %EF%BF%BD");
  });

  it("names no decision, algorithm or category where there is none", async () => {
    const { snapshot } = await createFixture();
    const names = routeHeaders(await snapshot.router.route(request(""), {}), "upstream", true).map(([name]) => name);
    expect(names).toEqual([
      "x-vsr-schema-version",
      "x-vsr-response-path",
      "x-vsr-selected-model",
      "x-vsr-context-token-count",
      "x-vsr-injected-system-prompt",
    ]);
  });
});

it.each([
  [
    false,
    ["x-authz-user-id", "x_authz_user_id", "x-vsr_selected-model", "x_selected_model", "x-vsr-looper-iteration", "x-vsr-internal-auth"],
  ],
  [true, ["x-vsr_selected-model", "x_selected_model", "x-vsr-looper-iteration", "x-vsr-internal-auth"]],
])("removes what only a router or gateway may say, however it is spelled (identity trusted: %s)", (trusted, expected) => {
  const names = ["x-authz-user-id", "x_authz_user_id", "x-vsr_selected-model", "x_selected_model", "x-vsr-looper-iteration"];
  const own = ["x-authz", "x-vsr-debug", "x-vsr-selection", "authorization", "x_request_id"];
  const headers = [...names, "x-vsr-internal-auth", ...own].map((name) => [name, "1"] as const);
  expect(untrustedNames(headers, trusted)).toEqual(expected);
});

it.each(["x-my-user", "x_my_user"])("removes the operator's own identity header %s, however a client spells it", (configured) => {
  const headers = ["x-my-user", "x_my_user", "x-my_user", "x-my-users"].map((name) => [name, "ann"] as const);
  expect(untrustedNames(headers, false, [configured])).toEqual(["x-my-user", "x_my_user", "x-my_user"]);
  expect(untrustedNames(headers, true, [configured])).toEqual([]);
});

it("lets nothing that was kept break out of a header", () => {
  const bad = "x\r\nset-cookie: a=b";
  const hit = {
    id: bad,
    kind: "exact",
    decision: bad,
    model: bad,
    meta: { confidence: bad, algorithm: bad },
    ageSeconds: 1,
    similarity: 1,
    render: () => ({ contentType: "application/json", body: "" }),
  } as const;
  for (const [, value] of cacheHeaders(hit, true)) expect(value).toMatch(/^[ -~]*$/);
});
