/**
 * Where the replicas are: `dns:///host:port`, a name that is asked again and again (a headless Service has one address per
 * replica), or a fixed list `host:port,host:port`. The resolver only asks; who is added and removed is decided in replica-set.ts.
 */
import { lookup } from "node:dns/promises";
import { RouterError } from "@turnout/shared";

export type Endpoint =
  | { readonly kind: "dns"; readonly host: string; readonly port: number }
  | { readonly kind: "static"; readonly addresses: readonly string[] };

/** Lookup gives a name's addresses, A and AAAA. */
export type Lookup = (host: string) => Promise<readonly { readonly address: string; readonly family: number }[]>;

/** systemLookup asks as other programs of the machine do: search domains and /etc/hosts count, which a bare DNS query would miss. */
export const systemLookup: Lookup = (host) => lookup(host, { all: true });

/** parseEndpoint throws `config_invalid` with what was expected. */
export function parseEndpoint(text: string): Endpoint {
  const dns = /^dns:\/{3}(.+)$/.exec(text)?.[1];
  if (dns !== undefined) return { kind: "dns", ...hostAndPort(dns) };
  const addresses = text.split(",").map((address) => address.trim());
  for (const address of addresses) hostAndPort(address);
  return { kind: "static", addresses: [...new Set(addresses)] };
}

/** hostOf is the name that a certificate should have; null for a list, whose addresses each have their own. */
export function hostOf(endpoint: Endpoint): string | null {
  return endpoint.kind === "dns" ? endpoint.host : null;
}

/** resolve gives the addresses as gRPC targets, sorted; rejects when the name cannot be asked. */
export async function resolve(endpoint: Endpoint, lookup: Lookup): Promise<readonly string[]> {
  if (endpoint.kind === "static") return endpoint.addresses;
  const found = await lookup(endpoint.host);
  const targets = found.map(({ address, family }) => (family === 6 ? `[${address}]:${endpoint.port}` : `${address}:${endpoint.port}`));
  return [...new Set(targets)].toSorted();
}

function hostAndPort(text: string): { host: string; port: number } {
  const [, host = "", digits = ""] = /^(\[[\da-fA-F:.]+\]|[^\s:/,[\]]+):(\d{1,5})$/.exec(text) ?? [];
  const port = Number(digits);
  if (host === "" || port < 1 || port > 65_535)
    throw new RouterError("config_invalid", `"${text}" is no classifier endpoint; expected dns:///host:port or host:port,host:port`);
  return { host, port };
}
