import { describe, expect, it } from "vitest";
import { isSampled, parseTraceContext, traceContextIn } from "./trace-context.ts";

const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

describe("parseTraceContext", () => {
  it.each<[why: string, traceparent: string | undefined, valid: boolean]>([
    ["sampled", parent, true],
    ["not sampled", parent.replace(/01$/, "00"), true],
    ["a later version with more behind", `${parent.replace(/^00/, "01")}-more`, true],
    ["none", undefined, false],
    ["empty", "", false],
    ["version 00 with more behind", `${parent}-more`, false],
    ["version ff", parent.replace(/^00/, "ff"), false],
    ["no trace id", parent.replace("0af7651916cd43dd8448eb211c80319c", "0".repeat(32)), false],
    ["no parent id", parent.replace("b7ad6b7169203331", "0".repeat(16)), false],
    ["capitals", parent.toUpperCase(), false],
    ["too short", parent.slice(0, -1), false],
    ["a line of one's own in it", `${parent}\nx: y`, false],
    ["beyond all length", `01${parent.slice(2)}-${"m".repeat(300)}`, false],
  ])("%s", (_, traceparent, valid) => {
    expect(parseTraceContext(traceparent, undefined)).toEqual(valid ? { traceparent } : null);
  });

  it.each<[tracestate: string | undefined, kept: boolean]>([
    ["a=1,b=2", true],
    ["", false],
    [undefined, false],
    ["s".repeat(513), false],
  ])("with tracestate %s", (tracestate, kept) => {
    expect(parseTraceContext(parent, tracestate)).toEqual(kept ? { traceparent: parent, tracestate } : { traceparent: parent });
  });
});

describe("traceContextIn", () => {
  it("joins several tracestates, and trusts one traceparent only", () => {
    const states = [["tracestate", "a=1"] as const, ["tracestate", ""] as const, ["tracestate", "b=2"] as const];
    expect(traceContextIn([["x", "y"], ["traceparent", parent], ...states])).toEqual({ traceparent: parent, tracestate: "a=1,b=2" });
    expect(traceContextIn([["traceparent", parent], ["traceparent", parent.replace(/01$/, "00")], ...states])).toBeNull();
    expect(traceContextIn(states)).toBeNull();
  });
});

describe("isSampled", () => {
  it.each<[flags: string, sampled: boolean]>([
    ["00", false],
    ["01", true],
    ["02", false],
    ["03", true],
    ["01-more", true],
  ])("flags %s", (flags, sampled) => {
    expect(isSampled({ traceparent: parent.replace(/01$/, flags) })).toBe(sampled);
  });
});
