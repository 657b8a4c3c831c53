import { RouterError, type HeaderEntry } from "@turnout/shared";

/**
 * Backends of the HTTP gateway: plain data of the configuration (`providers.models[].backend_refs[]`) turned into addresses,
 * paths and credentials. Keys live in closures only, so that a logged or printed backend cannot show them. It opens no
 * connection; upstream.ts does.
 */

/** BackendRefSettings is one `backend_refs` entry, spelled as in the configuration. */
export interface BackendRefSettings {
  readonly name?: string | undefined;
  /** `host:port`; a scheme and a path are ignored, as vSR does. */
  readonly endpoint?: string | undefined;
  /** `https://host/prefix`; one of endpoint and base_url is needed. */
  readonly base_url?: string | undefined;
  readonly protocol?: string | undefined;
  /** 0 or absent means 1. */
  readonly weight?: number | undefined;
  readonly api_key?: string | undefined;
  /** Name of the environment variable that holds the key. */
  readonly api_key_env?: string | undefined;
  readonly auth_header?: string | undefined;
  readonly auth_prefix?: string | undefined;
  readonly extra_headers?: Readonly<Record<string, string>> | undefined;
  /** Sent as the query parameter `api-version` (Azure's way). */
  readonly api_version?: string | undefined;
  /** Path of chat completions below base_url. */
  readonly chat_path?: string | undefined;
}

/** ProviderModelSettings is one `providers.models` entry, as far as the gateway reads it. */
export interface ProviderModelSettings {
  readonly name: string;
  readonly backend_refs?: readonly BackendRefSettings[] | undefined;
}

/** Backend is one place that serves a model. It may be logged: it holds no key. */
export interface Backend {
  /** `<model>_<ref name>`, as vSR names endpoints. */
  readonly id: string;
  /** Scheme, host and port. */
  readonly origin: string;
  /** Share of the model's requests, relative to the other backends; > 0. */
  readonly weight: number;
  /** Path and query at this backend for the path and query that the client asked for. */
  pathFor(clientPath: string): string;
  /** The request's headers as this backend wants them: its own credentials instead of the client's, its extra headers. */
  headersFor(headers: readonly HeaderEntry[]): HeaderEntry[];
}

/** BackendDirectory says where a logical model is served. */
export interface BackendDirectory {
  /** The model's backends; null asks for the default model's. Empty when nobody serves it. */
  resolve(model: string | null): readonly Backend[];
}

export interface BackendDirectoryOptions {
  /** Serves requests that were not routed; without it, the first model that has backends does. */
  readonly defaultModel?: string | undefined;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Hears of keys whose environment variable is not set; such a backend is called without credentials. */
  readonly onWarning?: (message: string) => void;
}

/** createBackendDirectory reads the models' backend_refs. Throws RouterError("config_invalid") naming the entry that cannot be used. */
export function createBackendDirectory(models: readonly ProviderModelSettings[], options: BackendDirectoryOptions = {}): BackendDirectory {
  const env = options.env ?? process.env;
  const warn = options.onWarning ?? (() => {});
  const byModel = new Map<string, readonly Backend[]>();
  for (const model of models) {
    const refs = model.backend_refs ?? [];
    byModel.set(
      model.name,
      refs.map((ref, index) => {
        const name = ref.name || (refs.length === 1 ? "primary" : `backend-${index + 1}`);
        return createBackend(`${model.name}_${name}`, ref, env, warn);
      }),
    );
  }
  const named = options.defaultModel === undefined ? undefined : byModel.get(options.defaultModel);
  const fallback = named ?? [...byModel.values()].find((backends) => backends.length > 0) ?? [];
  return { resolve: (model) => (model === null ? fallback : (byModel.get(model) ?? [])) };
}

/** Credentials under which clients of OpenAI, Azure and Anthropic send theirs. */
const CLIENT_CREDENTIALS = ["authorization", "x-api-key", "api-key"];

function createBackend(
  id: string,
  ref: BackendRefSettings,
  env: Readonly<Record<string, string | undefined>>,
  warn: (message: string) => void,
): Backend {
  const url = addressOf(id, ref);
  const prefix = url.pathname.replace(/\/+$/, "");
  const query = ref.api_version ? `api-version=${encodeURIComponent(ref.api_version)}` : "";

  const ownKey = Boolean(ref.api_key) || Boolean(ref.api_key_env);
  const key = ref.api_key || (ref.api_key_env ? env[ref.api_key_env] : undefined);
  if (ownKey && !key) warn(`backend ${id}: api_key_env names ${ref.api_key_env}, which is not set; requests go without credentials`);

  const set: HeaderEntry[] = Object.entries(ref.extra_headers ?? {}).map(([name, value]) => [name.toLowerCase(), value]);
  if (key) {
    const header = (ref.auth_header || "authorization").toLowerCase();
    const scheme = ref.auth_prefix ?? (header === "authorization" ? "Bearer" : "");
    set.push([header, scheme === "" ? key : `${scheme} ${key}`]);
  }
  const dropped = new Set([...(ownKey ? CLIENT_CREDENTIALS : []), ...set.map(([name]) => name)]);

  return {
    id,
    origin: url.origin,
    weight: ref.weight && ref.weight > 0 ? ref.weight : 1,
    pathFor: (clientPath) => backendPath(clientPath, prefix, ref.chat_path, query),
    headersFor: (headers) => (dropped.size === 0 ? [...headers] : [...headers.filter(([name]) => !dropped.has(name)), ...set]),
  };
}

function addressOf(id: string, ref: BackendRefSettings): URL {
  const written = ref.base_url || ref.endpoint;
  if (!written) throw new RouterError("config_invalid", `backend ${id}: endpoint ("host:port") or base_url ("https://host/v1") is needed`);
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(written)?.[1];
  const protocol = ((ref.base_url ? scheme : undefined) || ref.protocol || scheme || "http").toLowerCase();
  const rest = scheme === undefined ? written : written.slice(scheme.length + 3);
  const address = `${protocol}://${ref.base_url ? rest : rest.replace(/[/?#].*$/, "")}`;
  if ((protocol !== "http" && protocol !== "https") || !URL.canParse(address)) {
    throw new RouterError("config_invalid", `backend ${id}: "${redacted(written)}" with protocol "${protocol}" is no http(s) address`);
  }
  const url = new URL(address);
  if (url.username !== "" || url.password !== "") {
    throw new RouterError("config_invalid", `backend ${id}: credentials in an address end up in logs; use api_key_env instead`);
  }
  return url;
}

function redacted(address: string): string {
  return address.replace(/^([^/]*\/\/)?[^@/]*@/, "$1…@");
}

/**
 * A base_url with a path already contains the API version ("https://host/v1", "https://host/openai/v1"): it replaces the
 * client's leading /v1. An endpoint, or a base_url without a path, is asked with the client's path.
 */
function backendPath(clientPath: string, prefix: string, chatPath: string | undefined, query: string): string {
  const mark = clientPath.indexOf("?");
  const path = mark < 0 ? clientPath : clientPath.slice(0, mark);
  const asked = mark < 0 ? "" : clientPath.slice(mark + 1);
  const below = prefix === "" ? path : path.replace(/^\/v1(?=\/|$)/, "");
  const target = chatPath && path === "/v1/chat/completions" ? `/${chatPath.replace(/^\/+/, "")}` : below;
  const search = [asked, query].filter((part) => part !== "").join("&");
  return `${prefix}${target}${search === "" ? "" : `?${search}`}`;
}
