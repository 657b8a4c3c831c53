import { describe, expect, it } from "vitest";
import { routeHeaders } from "./headers.ts";
import { createFixture, request, routing } from "./testing/fixtures.ts";

describe("routeHeaders", () => {
  it("writes configured names outside ASCII so that they fit into a header", async () => {
    const decisions = [{ name: "Rosen für alle\n", modelRefs: [{ model: "base", lora_name: "roses-expert" }] }];
    const { snapshot } = await createFixture({ routing: { ...routing, decisions } });
    const headers = new Map(routeHeaders(await snapshot.router.route(request("x"), {}), "upstream", true));
    expect(headers.get("x-vsr-selected-decision")).toBe("Rosen f%C3%BCr alle%0A");
    expect(headers.get("x-vsr-selected-confidence")).toBe("0.0000");
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
