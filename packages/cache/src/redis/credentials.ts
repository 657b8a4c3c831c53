/** Passwords and certificates, read from files when they are wanted and again when Redis or TLS refuses what we have. */
import { readFile } from "node:fs/promises";
import type { ConnectionOptions } from "node:tls";
import { RouterError } from "@turnout/shared";
import type { RedisSettings } from "./settings.ts";

/** Credentials as ioredis takes them. */
export interface Credentials {
  readonly password?: string;
  readonly tls?: ConnectionOptions;
}

/** readCredentials rejects with a RouterError that names the setting whose file cannot be read. */
export async function readCredentials({ password, passwordFile, tls }: RedisSettings): Promise<Credentials> {
  const secret = passwordFile === undefined ? password : (await read("password_file", passwordFile)).toString().trimEnd();
  if (tls === undefined) return secret === undefined ? {} : { password: secret };
  const [ca, cert, key] = await Promise.all([
    tls.caFile === undefined ? undefined : read("ca_file", tls.caFile),
    tls.certFile === undefined ? undefined : read("cert_file", tls.certFile),
    tls.keyFile === undefined ? undefined : read("key_file", tls.keyFile),
  ]);
  return {
    ...(secret === undefined ? {} : { password: secret }),
    tls: {
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
      ...(tls.serverName === undefined ? {} : { servername: tls.serverName }),
    },
  };
}

async function read(setting: string, path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new RouterError("cache_unavailable", `${setting} cannot be read: ${(cause as NodeJS.ErrnoException).code ?? "unknown"}`, {
      cause,
    });
  }
}
