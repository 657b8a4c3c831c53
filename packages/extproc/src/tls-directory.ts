/** Directories with the names of a Kubernetes TLS secret: tls.crt, tls.key and, for mTLS, ca.crt. Read by compose.ts and `turnout classifier`. */
import { access } from "node:fs/promises";
import { join } from "node:path";
import { RouterError } from "@turnout/shared";

/** clientCaIn finds the authority that clients' certificates must be of; a directory without one does not ask for any. */
export async function clientCaIn(certPath: string): Promise<{ clientCaPath?: string }> {
  const path = join(certPath, "ca.crt");
  try {
    await access(path);
    return { clientCaPath: path };
  } catch (error) {
    // Only where there is none: one that cannot be read must not turn mTLS off.
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return {};
    throw new RouterError("config_invalid", `the client CA ${path} cannot be read`, { cause: error });
  }
}
