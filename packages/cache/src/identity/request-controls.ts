/**
 * What a client may say about the cache in a header (vSR's is `x-vsr-cache-control: no-cache, ttl=60`), as far as the decision allows
 * it. What cannot be read or is not allowed is left aside and named, so that the response can tell. Pure.
 */

export type Directive = "no-cache" | "no-store" | "bypass" | "max-age" | "ttl";

/** ControlSettings are a decision's `request_controls`. The header's name is for whoever reads the header. */
export interface ControlSettings {
  readonly enabled: boolean;
  readonly allowed: ReadonlySet<string>;
  /** Longest `ttl` that a client may ask for; null: no bound of its own. */
  readonly maxTtlSeconds: number | null;
}

export interface RequestControls {
  /** Whether an answer may come from the cache. */
  readonly read: boolean;
  /** Whether this answer may be kept. */
  readonly write: boolean;
  /** Oldest answer that the client takes; null: any that is alive. */
  readonly maxAgeSeconds: number | null;
  /** How long to keep this answer; null: as configured. */
  readonly ttlSeconds: number | null;
  /** Each once. */
  readonly warnings: readonly ControlWarning[];
}

/** ControlWarning: a directive was not understood, is not allowed here, or was bounded. */
export type ControlWarning = "cache_control_malformed" | "cache_control_not_allowed" | "cache_control_ttl_clamped";

const UNCONTROLLED: RequestControls = { read: true, write: true, maxAgeSeconds: null, ttlSeconds: null, warnings: [] };

/** Up to 31 years; more digits are no duration. */
const DIRECTIVE = /^(?:(no-cache|no-store|bypass)|(max-age|ttl)=(\d{1,9}))$/i;

/** requestControls reads the header's value; of several equal directives the strictest holds. */
export function requestControls(header: string | undefined, { enabled, allowed, maxTtlSeconds }: ControlSettings): RequestControls {
  if (header === undefined || !enabled) return UNCONTROLLED;
  let { read, write, maxAgeSeconds, ttlSeconds } = UNCONTROLLED;
  const warnings = new Set<ControlWarning>();
  for (const item of header.split(",")) {
    const text = item.trim();
    if (text === "") continue;
    const [, flag, duration, digits] = DIRECTIVE.exec(text) ?? [];
    const directive = (flag ?? duration)?.toLowerCase() as Directive | undefined;
    if (directive === undefined) warnings.add("cache_control_malformed");
    else if (!allowed.has(directive)) warnings.add("cache_control_not_allowed");
    else if (directive === "no-cache") read = false;
    else if (directive === "no-store") write = false;
    else if (directive === "bypass") read = write = false;
    else if (directive === "max-age") maxAgeSeconds = Math.min(Number(digits), maxAgeSeconds ?? Infinity);
    else ttlSeconds = Math.min(Number(digits), ttlSeconds ?? Infinity);
  }
  if (ttlSeconds !== null && maxTtlSeconds !== null && ttlSeconds > maxTtlSeconds) {
    ttlSeconds = maxTtlSeconds;
    warnings.add("cache_control_ttl_clamped");
  }
  // Nothing is younger than 0 seconds, and nothing lives for 0 seconds.
  return { read: read && maxAgeSeconds !== 0, write: write && ttlSeconds !== 0, maxAgeSeconds, ttlSeconds, warnings: [...warnings] };
}
