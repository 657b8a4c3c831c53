import { describe, expect, it } from "vitest";
import { requestControls, type ControlSettings, type RequestControls } from "./request-controls.ts";

const everything: ControlSettings = {
  enabled: true,
  allowed: new Set(["no-cache", "no-store", "bypass", "max-age", "ttl"]),
  maxTtlSeconds: 7_200,
};
const none: RequestControls = { read: true, write: true, maxAgeSeconds: null, ttlSeconds: null, warnings: [] };

describe("requestControls", () => {
  it.each<[string | undefined, Partial<RequestControls>]>([
    [undefined, {}],
    ["", {}],
    [" , ,", {}],
    ["no-cache", { read: false }],
    ["No-Cache", { read: false }],
    ["no-store", { write: false }],
    ["bypass", { read: false, write: false }],
    ["no-cache, no-store", { read: false, write: false }],
    ["max-age=60", { maxAgeSeconds: 60 }],
    ["MAX-AGE=60,ttl=30", { maxAgeSeconds: 60, ttlSeconds: 30 }],
    ["max-age=60, max-age=5", { maxAgeSeconds: 5 }],
    ["ttl=5, ttl=60", { ttlSeconds: 5 }],
    ["max-age=0", { maxAgeSeconds: 0, read: false }],
    ["ttl=0", { ttlSeconds: 0, write: false }],
    ["ttl=7200", { ttlSeconds: 7_200 }],
    ["ttl=7201", { ttlSeconds: 7_200, warnings: ["cache_control_ttl_clamped"] }],
    ["ttl", { warnings: ["cache_control_malformed"] }],
    ["ttl=", { warnings: ["cache_control_malformed"] }],
    ["ttl=-1", { warnings: ["cache_control_malformed"] }],
    ["ttl=1.5", { warnings: ["cache_control_malformed"] }],
    ["ttl=1e3", { warnings: ["cache_control_malformed"] }],
    ["ttl = 5", { warnings: ["cache_control_malformed"] }],
    ["ttl=9999999999", { warnings: ["cache_control_malformed"] }],
    ["no-cache=1", { warnings: ["cache_control_malformed"] }],
    ["only-if-cached, no-cache, junk", { read: false, warnings: ["cache_control_malformed"] }],
    ["no-cache; no-store", { warnings: ["cache_control_malformed"] }],
  ])("reads %j", (header, expected) => {
    expect(requestControls(header, everything)).toEqual({ ...none, ...expected });
  });

  it("leaves aside and names what the decision does not allow", () => {
    const settings = { ...everything, allowed: new Set(["no-cache"]) };
    expect(requestControls("bypass, ttl=5, no-cache", settings)).toEqual({ ...none, read: false, warnings: ["cache_control_not_allowed"] });
  });

  it("does nothing where it is not enabled", () => {
    expect(requestControls("bypass, ttl=x", { ...everything, enabled: false })).toEqual(none);
  });

  it("bounds no ttl where there is no bound", () => {
    expect(requestControls("ttl=999999", { ...everything, maxTtlSeconds: null }).ttlSeconds).toBe(999_999);
  });
});
