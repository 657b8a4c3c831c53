/**
 * The Envoy configurations of the end-to-end tests, as data: one listener per way an operator may configure ext_proc. Pure; envoy.ts
 * writes what comes out of here to a file and starts Envoy with it. JSON is YAML, so no YAML is written. All ports are 0: the system
 * picks them and Envoy's admin endpoint tells them.
 */

type HeaderMode = "SEND" | "SKIP";
type BodyMode = "NONE" | "BUFFERED" | "BUFFERED_PARTIAL" | "STREAMED" | "FULL_DUPLEX_STREAMED";

/** ProcessingMode is what a listener sends to its external processor. */
interface ProcessingMode {
  readonly request_header_mode: HeaderMode;
  readonly response_header_mode: HeaderMode;
  readonly request_body_mode: BodyMode;
  readonly response_body_mode: BodyMode;
  readonly request_trailer_mode: HeaderMode;
  readonly response_trailer_mode: HeaderMode;
}

/** ListenerSetup is one way to configure ext_proc; what is left out is the filter's default or the first listener's choice. */
export interface ListenerSetup {
  /** null: no ext_proc at all, the baseline. */
  readonly mode: ProcessingMode | null;
  /** "dead": nothing listens where this listener expects its processor. */
  readonly processor?: "live" | "dead";
  readonly failureModeAllow?: boolean;
  readonly allowModeOverride?: boolean;
  /** Default 10s, more than a busy machine needs; null leaves Envoy's own default of 200 ms. */
  readonly messageTimeout?: string | null;
  readonly maxMessageTimeout?: string;
  /** mutation_rules.allow_all_routing: `host` and `:method` may be changed. */
  readonly allowAllRouting?: boolean;
  /** Accepts and sends HTTP/1 trailers. */
  readonly trailers?: boolean;
  readonly observabilityMode?: boolean;
  /** A filter in front of ext_proc says who the client is, and lets nobody else say it: see authenticatingFilter. */
  readonly authenticates?: boolean;
}

const buffered: ProcessingMode = {
  request_header_mode: "SEND",
  response_header_mode: "SEND",
  request_body_mode: "BUFFERED",
  response_body_mode: "BUFFERED",
  request_trailer_mode: "SKIP",
  response_trailer_mode: "SKIP",
};

const withTrailers = { request_trailer_mode: "SEND", response_trailer_mode: "SEND" } as const;

const fullDuplex: ProcessingMode = {
  ...buffered,
  ...withTrailers,
  request_body_mode: "FULL_DUPLEX_STREAMED",
  response_body_mode: "FULL_DUPLEX_STREAMED",
};

/** listeners are all modes under test, by the name that tests use. */
export const listeners = {
  buffered: { mode: buffered },
  bufferedWithTrailers: { mode: { ...buffered, ...withTrailers }, trailers: true },
  bufferedNoOverride: { mode: buffered, allowModeOverride: false },
  bufferedAllRouting: { mode: buffered, allowAllRouting: true },
  bufferedAllow: { mode: buffered, failureModeAllow: true },
  bufferedPartial: { mode: { ...buffered, request_body_mode: "BUFFERED_PARTIAL", response_body_mode: "BUFFERED_PARTIAL" } },
  headersSkipped: { mode: { ...buffered, request_header_mode: "SKIP" } },
  headersOnly: { mode: { ...buffered, request_body_mode: "NONE", response_body_mode: "NONE" } },
  responseStreamed: { mode: { ...buffered, response_body_mode: "STREAMED" } },
  streamed: { mode: { ...buffered, request_body_mode: "STREAMED", response_body_mode: "STREAMED" } },
  fullDuplex: { mode: fullDuplex, allowModeOverride: false },
  fullDuplexWithTrailers: { mode: fullDuplex, allowModeOverride: false, trailers: true },
  defaultTimeout: { mode: buffered, messageTimeout: null },
  shortTimeout: { mode: buffered, messageTimeout: "0.3s", maxMessageTimeout: "3s" },
  shortTimeoutAllow: { mode: buffered, messageTimeout: "0.3s", failureModeAllow: true },
  deadAllow: { mode: buffered, processor: "dead", failureModeAllow: true },
  deadDeny: { mode: buffered, processor: "dead" },
  observability: { mode: { ...buffered, request_body_mode: "STREAMED", response_body_mode: "STREAMED" }, observabilityMode: true },
  authenticated: { mode: buffered, authenticates: true },
  authenticatedFullDuplex: { mode: fullDuplex, allowModeOverride: false, authenticates: true },
  direct: { mode: null },
} as const satisfies Record<string, ListenerSetup>;

export type ListenerName = keyof typeof listeners;

/** EnvoyPorts says where the processes around Envoy listen, all on loopback. */
interface EnvoyPorts {
  readonly processor: number;
  /** The default upstream, and the one that `x-selected-model: math-expert` is routed to. */
  readonly general: number;
  readonly math: number;
}

export interface EnvoyConfigOptions {
  readonly ports: EnvoyPorts;
  readonly listeners: readonly ListenerName[];
  /** envoy.reloadable_features.ext_proc_graceful_grpc_close: half-close instead of RST_STREAM. Envoy's default is false. */
  readonly gracefulClose: boolean;
}

/** AccessLogEntry is one line of the access log; `case` is the request header x-case, which ties a line to a test. */
export interface AccessLogEntry {
  readonly listener: string;
  readonly case: string | null;
  readonly status: number;
  readonly flags: string | null;
  readonly details: string | null;
  readonly cluster: string | null;
  /** The router's dynamic metadata. */
  readonly model: string | null;
}

const accessLogFormat = {
  case: "%REQ(X-CASE)%",
  status: "%RESPONSE_CODE%",
  flags: "%RESPONSE_FLAGS%",
  details: "%RESPONSE_CODE_DETAILS%",
  cluster: "%UPSTREAM_CLUSTER%",
  model: "%DYNAMIC_METADATA(turnout:model)%",
} as const satisfies Record<Exclude<keyof AccessLogEntry, "listener">, string>;

const typeUrl = (name: string) => ({ "@type": `type.googleapis.com/${name}` });
const loopback = (port: number) => ({ socket_address: { address: "127.0.0.1", port_value: port } });

/** A port where nothing ever listens on loopback: below 1024, and no service of our time. */
const DEAD_PORT = 1;

function cluster(name: string, port: number, protocol: "http1" | "http2"): object {
  return {
    name,
    type: "STATIC",
    connect_timeout: "1s",
    load_assignment: { cluster_name: name, endpoints: [{ lb_endpoints: [{ endpoint: { address: loopback(port) } }] }] },
    typed_extension_protocol_options: {
      "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
        ...typeUrl("envoy.extensions.upstreams.http.v3.HttpProtocolOptions"),
        explicit_http_config: protocol === "http2" ? { http2_protocol_options: {} } : { http_protocol_options: { enable_trailers: true } },
      },
    },
  };
}

function extProcFilter(setup: ListenerSetup & { readonly mode: ProcessingMode }): object {
  const timeout = setup.messageTimeout === undefined ? "10s" : setup.messageTimeout;
  return {
    name: "envoy.filters.http.ext_proc",
    typed_config: {
      ...typeUrl("envoy.extensions.filters.http.ext_proc.v3.ExternalProcessor"),
      grpc_service: { envoy_grpc: { cluster_name: setup.processor === "dead" ? "dead" : "processor" } },
      ...(timeout !== null && { message_timeout: timeout }),
      ...(setup.maxMessageTimeout !== undefined && { max_message_timeout: setup.maxMessageTimeout }),
      failure_mode_allow: setup.failureModeAllow ?? false,
      allow_mode_override: setup.allowModeOverride ?? true,
      request_attributes: ["request.path", "source.address"],
      metadata_options: { receiving_namespaces: { untyped: ["turnout"] } },
      ...(setup.allowAllRouting === true && { mutation_rules: { allow_all_routing: true } }),
      // The stream of an unanswered request stays open for this long after the request; the default is 5 s.
      ...(setup.observabilityMode === true && { observability_mode: true, deferred_close_timeout: "0.1s" }),
      processing_mode: setup.mode,
    },
  };
}

/** identityHeaders are what authenticatingFilter writes, each from what the client has logged in as: default names and an operator's own. */
export const identityHeaders: Readonly<Record<string, string>> = {
  "x-authz-user-id": "x-login-user",
  "x-authz-user-groups": "x-login-groups",
  "x-authz-team-id": "x-login-team",
  "x-authz-tenant-id": "x-login-tenant",
  "x-my-user": "x-login-user",
  "x-my-groups": "x-login-groups",
};

/**
 * authenticatingFilter stands for a gateway's authentication: `x-login-*` is what a checked token would tell. Whatever a client says under
 * the names of the identity itself is taken away first.
 */
function authenticatingFilter(): object {
  const removed = Object.keys(identityHeaders).map((name) => ({ remove: name }));
  const written = Object.entries(identityHeaders).map(([key, login]) => ({
    append: { header: { key, value: `%REQ(${login})%` }, append_action: "OVERWRITE_IF_EXISTS_OR_ADD", keep_empty_value: false },
  }));
  return {
    name: "envoy.filters.http.header_mutation",
    typed_config: {
      ...typeUrl("envoy.extensions.filters.http.header_mutation.v3.HeaderMutation"),
      mutations: { request_mutations: [...removed, ...written] },
    },
  };
}

function listener(name: ListenerName): object {
  const setup: ListenerSetup = listeners[name];
  const { mode } = setup;
  const router = { name: "envoy.filters.http.router", typed_config: typeUrl("envoy.extensions.filters.http.router.v3.Router") };
  return {
    name,
    address: loopback(0),
    filter_chains: [
      {
        filters: [
          {
            name: "envoy.filters.network.http_connection_manager",
            typed_config: {
              ...typeUrl("envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"),
              stat_prefix: name,
              ...(setup.trailers === true && { http_protocol_options: { enable_trailers: true } }),
              access_log: [
                {
                  name: "envoy.access_loggers.stdout",
                  typed_config: {
                    ...typeUrl("envoy.extensions.access_loggers.stream.v3.StdoutAccessLog"),
                    log_format: { json_format: { ...accessLogFormat, listener: name } },
                  },
                },
              ],
              route_config: {
                virtual_hosts: [
                  {
                    name: "all",
                    domains: ["*"],
                    routes: [
                      {
                        match: { prefix: "/", headers: [{ name: "x-selected-model", string_match: { exact: "math-expert" } }] },
                        route: { cluster: "math", timeout: "30s" },
                      },
                      { match: { prefix: "/" }, route: { cluster: "general", timeout: "30s" } },
                    ],
                  },
                ],
              },
              http_filters: [
                ...(setup.authenticates === true ? [authenticatingFilter()] : []),
                ...(mode === null ? [] : [extProcFilter({ ...setup, mode })]),
                router,
              ],
            },
          },
        ],
      },
    ],
  };
}

/** envoyConfig is a whole bootstrap configuration. */
export function envoyConfig(options: EnvoyConfigOptions): object {
  return {
    admin: { address: loopback(0) },
    layered_runtime: {
      layers: [
        {
          name: "static",
          static_layer: { "envoy.reloadable_features.ext_proc_graceful_grpc_close": options.gracefulClose },
        },
      ],
    },
    static_resources: {
      listeners: options.listeners.map(listener),
      clusters: [
        cluster("processor", options.ports.processor, "http2"),
        cluster("dead", DEAD_PORT, "http2"),
        cluster("general", options.ports.general, "http1"),
        cluster("math", options.ports.math, "http1"),
      ],
    },
  };
}
