/** Addresses of web pages and names of hosts. Seldom personal, so that they are found only when asked for. */
import { CONFIDENCE, type Detection, type Detector } from "./detection.ts";

const URL_FORM = /\bhttps?:\/\/[^\s<>"'`]{3,2000}/gi;
const DOMAIN =
  /(?<![\p{L}\d@._-])(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.){1,6}(?:com|org|net|edu|gov|io|ai|dev|app|info|biz|[a-z]{2})(?![\p{L}\d_@-])/giu;

export const webAddress: Detector = {
  types: ["URL", "DOMAIN_NAME"],
  digits: false,
  *detect(text): Iterable<Detection> {
    for (const { 0: written, index: start } of text.matchAll(URL_FORM)) {
      const address = written.replace(/[.,;:!?)\]}]+$/, "");
      yield { start, end: start + address.length, type: "URL", confidence: CONFIDENCE.strong };
    }
    for (const { 0: name, index: start } of text.matchAll(DOMAIN)) {
      yield { start, end: start + name.length, type: "DOMAIN_NAME", confidence: CONFIDENCE.likely };
    }
  },
};
