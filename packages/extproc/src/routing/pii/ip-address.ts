/** IP addresses, v4 and v6. Four small numbers with dots are as often a version or a section, so that they need more than their form. */
import { isIPv6 } from "node:net";
import { wordsBefore } from "./cues.ts";
import { CONFIDENCE, type Detection, type Detector } from "./detection.ts";

const V4 = /(?<![\w.]|\d,)(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)\.){3}(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?!\w|\.\d)/g;
const V6 = /(?<![\w:.])[0-9a-fA-F]{0,4}:[0-9a-fA-F:]{2,34}(?![\w:])/g;
const CUE = /(?<!\p{L})(?:ip|ips|ipv[46]|client|host|server|ping|ssh|router|gateway|traceroute|address|login|logged in)(?!\p{L})/iu;
const VERSION =
  /(?<!\p{L})(?:v|ver|version|release|build|firmware|driver|section|sec|chapter|clause|figure|table|kernel|update|§)[.:#]?\s*$/iu;
/** Nobody's: this host, loopback, masks; and a network's own address, which ends in 0. */
const NOBODY = /^(?:0\.|127\.|255\.)|\.0$/;
const SMALL = /^(?:\d{1,2}\.){3}\d{1,2}$/;

export const ipAddress: Detector = {
  types: ["IP_ADDRESS"],
  digits: true,
  *detect(text): Iterable<Detection> {
    for (const { 0: address, index: start } of text.matchAll(V4)) {
      const before = wordsBefore(text, start);
      if (VERSION.test(before)) continue;
      const confidence =
        NOBODY.test(address) || (SMALL.test(address) && !CUE.test(before))
          ? CONFIDENCE.weak
          : CUE.test(before)
            ? CONFIDENCE.certain
            : CONFIDENCE.strong;
      yield { start, end: start + address.length, type: "IP_ADDRESS", confidence };
    }
    for (const { 0: address, index: start } of text.matchAll(V6)) {
      if (!isIPv6(address) || !identifies(address)) continue;
      yield { start, end: start + address.length, type: "IP_ADDRESS", confidence: CONFIDENCE.strong };
    }
  },
};

/** identifies is false of ::1, of fe80:: alone and of names of code such as `add::dead`. */
function identifies(address: string): boolean {
  return address.split(":").filter((group) => group !== "").length >= 3 && /\d/.test(address);
}
