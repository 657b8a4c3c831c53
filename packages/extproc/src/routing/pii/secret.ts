/**
 * Credentials: keys and tokens by the prefixes that their issuers gave them, JSON web tokens, private keys, passwords in addresses and
 * after "password". Prefixes and lengths are those of secretlint's recommended rules (MIT), read as facts: its rules themselves search
 * a text some forty times and asynchronously.
 */
import { CONFIDENCE, type Detection, type Detector } from "./detection.ts";

/** ISSUED are forms of keys, each of 20 characters or more without a space. */
const ISSUED: readonly string[] = [
  "(?:A3T[A-Z0-9]|AKIA|AGPA|AIDA|AROA|AIPA|ANPA|ANVA|ASIA)[A-Z0-9]{16}", // AWS
  "AIza[\\w-]{35}", // Google
  "gh[opsur]_\\w{36,255}", // GitHub
  "github_pat_\\w{22,255}",
  "glpat-[\\w-]{20,128}", // GitLab
  "npm_[A-Za-z0-9]{36}",
  "pypi-[\\w-]{50,255}",
  "xox[abeoprs]-[\\w-]{16,200}", // Slack
  "xapp-[\\w-]{16,200}",
  "sk-ant-[\\w-]{20,200}", // Anthropic
  "sk-(?:proj|svcacct|admin)-[\\w-]{20,200}", // OpenAI
  "sk-[A-Za-z0-9]{20,64}",
  "gsk_[A-Za-z0-9]{52}", // Groq
  "hf_[A-Za-z]{34}",
  "(?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{16,99}", // Stripe
  "whsec_[A-Za-z0-9+/]{24,64}",
  "SG\\.[\\w-]{16,32}\\.[\\w-]{32,64}", // SendGrid
  "shp(?:pa|ca|at|ss)_[A-Fa-f0-9]{32,64}", // Shopify
  "dop_v1_[a-f0-9]{64}", // DigitalOcean
  "dapi[a-f0-9]{32}", // Databricks
  "lin_api_\\w{32,128}", // Linear
  "ntn_[A-Za-z0-9]{46}", // Notion
  "hv[sbr]\\.[\\w-]{90,300}", // Vault
  "gl(?:c|sa)_[A-Za-z0-9+/_]{32,400}", // Grafana
  "dckr_pat_[\\w-]{27}", // Docker
  "figd_[\\w-]{40,200}", // Figma
  "tskey-[a-z]{2,20}-\\w{8,40}-\\w{16,60}", // Tailscale
  "key-[a-f0-9]{32}", // Mailgun
];
const API_KEY = new RegExp(`(?<![A-Za-z0-9_-])(?:${ISSUED.join("|")})(?![A-Za-z0-9_])`, "g");
/** Every issued key and every token has such a run, hardly any prose: where there is none, the long search is spared. */
const LONG_RUN = /[\w-]{16}/;
/** A header and a payload that both begin as base64url of `{"`. */
const JWT = /(?<![\w-])eyJ[\w-]{8,4000}\.eyJ[\w-]{8,8000}\.[\w-]{16,2000}(?![\w-])/g;
const PRIVATE_KEY = /-----BEGIN (?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----/g;
const PRIVATE_KEY_END = /-----END (?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----/g;
const USER_INFO = /\b[A-Za-z][A-Za-z0-9+.-]{1,20}:\/\/[^\s:/@]{1,64}:([^\s/@]{3,128})@[\w[]/g;
/** `api_key = …`, `password: …`: a name, then a value. */
const ASSIGNED =
  /(?<![A-Za-z\d])(?:(api[ _-]?key|access[ _-]?(?:key|token)|auth[ _-]?token|bearer|secret(?:[ _-]?(?:key|token))?|client[ _-]?secret|token)|passwor[dt]|passwd|passphrase|pwd|contraseña|mot de passe|passwort|senha)(?: is|'s)?["']?(?:\s?[:=]\s?|\s)["'`]?([^\s"'`,;<>(){}]{6,200})/gi;

export const secret: Detector = {
  types: ["API_KEY", "JWT", "PRIVATE_KEY", "PASSWORD"],
  digits: false,
  *detect(text): Iterable<Detection> {
    if (LONG_RUN.test(text)) yield* tokens(text);
    if (text.includes("PRIVATE KEY")) yield* privateKeys(text);
    if (text.includes("://")) yield* userInfos(text);
    if (/\d/.test(text)) yield* assigned(text);
  },
};

function* tokens(text: string): Iterable<Detection> {
  for (const { 0: key, index: start } of text.matchAll(API_KEY)) {
    if (varied(key)) yield { start, end: start + key.length, type: "API_KEY", confidence: CONFIDENCE.certain };
  }
  for (const { 0: token, index: start } of text.matchAll(JWT)) {
    yield { start, end: start + token.length, type: "JWT", confidence: CONFIDENCE.certain };
  }
}

function* privateKeys(text: string): Iterable<Detection> {
  let free = 0;
  for (const { 0: head, index: start } of text.matchAll(PRIVATE_KEY)) {
    if (start < free) continue;
    PRIVATE_KEY_END.lastIndex = start + head.length;
    const tail = PRIVATE_KEY_END.exec(text);
    // One that is cut off goes on to the end of the text, which is thus searched once.
    free = tail === null ? text.length : tail.index + tail[0].length;
    yield { start, end: free, type: "PRIVATE_KEY", confidence: CONFIDENCE.certain };
  }
}

function* userInfos(text: string): Iterable<Detection> {
  for (const match of text.matchAll(USER_INFO)) {
    const end = match.index + match[0].lastIndexOf("@");
    yield { start: end - (match[1] ?? "").length, end, type: "PASSWORD", confidence: CONFIDENCE.strong };
  }
}

function* assigned(text: string): Iterable<Detection> {
  for (const match of text.matchAll(ASSIGNED)) {
    const written = match[2] ?? "";
    const value = written.replace(/[.!?]+$/, "");
    const key = match[1] !== undefined;
    if (!mixed(value) || (key ? value.length < 16 || !varied(value) : value.length < 6)) continue;
    const start = match.index + match[0].length - written.length;
    yield { start, end: start + value.length, type: key ? "API_KEY" : "PASSWORD", confidence: CONFIDENCE.likely };
  }
}

/** varied is false of placeholders such as `sk-xxxxxxxxxxxxxxxxxxxx`: a random string of 20 has hardly fewer than 8 different characters. */
function varied(value: string): boolean {
  return new Set(value).size >= 8 && !/(.)\1{5}/.test(value);
}

/** mixed is true of a value with digits and letters, which words and plain numbers are not, and which is no ordinal, unit or address. */
function mixed(value: string): boolean {
  return /\d/.test(value) && /[A-Za-z]/.test(value) && !/^(?:\d{1,4}(?:st|nd|rd|th|-?bit|k|mb|gb|ms|px)|https?:.*)$/i.test(value);
}
