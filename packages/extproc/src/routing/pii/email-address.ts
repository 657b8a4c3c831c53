/** E-mail addresses: an @ with a name before it and a host name after it. Searched from the @, so that no long run of letters is read twice. */
import { wordsBefore } from "./cues.ts";
import { CONFIDENCE, type Detection, type Detector } from "./detection.ts";

/** Longest local part (RFC 5321); what is longer is no address. */
const MAX_LOCAL = 64;
const LOCAL = /[\p{L}\p{N}._%+'-]/u;
const HOST = /(?:[\p{L}\p{N}](?:[\p{L}\p{N}-]{0,62})\.){1,8}(?:xn--[a-z0-9-]{2,24}|\p{L}{2,24})(?![\p{L}\p{N}_@(-])/uy;
/** File names such as icon@2x.png, and names of remote repositories, look like addresses. */
const FILE = /\.(?:png|jpe?g|gif|svg|webp|js|ts|py|css|so|dll|exe|zip|gz)$/i;
const NOBODY = /^git$/i;
/** In `scheme://user:password@host` the password is no mailbox. */
const USER_INFO = /:\/\/[^\s/@]*:$/;

export const emailAddress: Detector = {
  types: ["EMAIL_ADDRESS"],
  digits: false,
  *detect(text): Iterable<Detection> {
    let free = 0;
    for (let at = text.indexOf("@"); at >= 0; at = text.indexOf("@", at + 1)) {
      const start = localStart(text, at, free);
      if (start === at) continue;
      HOST.lastIndex = at + 1;
      const host = HOST.exec(text)?.[0];
      if (host === undefined || FILE.test(host) || NOBODY.test(text.slice(start, at))) continue;
      if (USER_INFO.test(wordsBefore(text, start))) continue;
      free = at + 1 + host.length;
      yield { start, end: free, type: "EMAIL_ADDRESS", confidence: CONFIDENCE.certain };
    }
  },
};

/** localStart walks back from the @ over what may stand in a local part; `at` when nothing does. */
function localStart(text: string, at: number, free: number): number {
  let start = at;
  const end = Math.max(free, at - MAX_LOCAL);
  while (start > end && LOCAL.test(text.charAt(start - 1))) start--;
  while (start < at && /[.%+'-]/.test(text.charAt(start))) start++;
  return start;
}
