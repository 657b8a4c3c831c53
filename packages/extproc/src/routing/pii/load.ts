/** Loads the detectors when somebody first needs them: the telephone library's tables and the check digits take 16 MB and 0.2 s. */

/** loadPii gives detectPii and maskPii. Rejects only when an installation is broken. */
export function loadPii(): Promise<typeof import("./detect.ts")> {
  return import("./detect.ts");
}
