/**
 * One connection to one replica: the calls of classifier.v1 and the health watch, each with a deadline, failures as RouterErrors.
 * It remembers nothing about the replica. Called by replica.ts.
 */
import {
  Client,
  makeClientConstructor,
  Metadata,
  status,
  type ChannelCredentials,
  type ChannelOptions,
  type ServiceError,
} from "@grpc/grpc-js";
import { RouterError } from "@turnout/shared";
import { service as healthService } from "grpc-health-check";
import {
  loadProtocol,
  PROTOCOL_VERSION,
  serviceName,
  type ClassifierClient,
  type EvaluateRequest,
  type EvaluateResponse,
  type ModelsResponse,
} from "./protocol.ts";

/** ChannelSettings are the same for all replicas. */
export interface ChannelSettings {
  readonly credentials: ChannelCredentials;
  /** The name that certificates must have, where it is not the address itself. */
  readonly serverName: string | null;
  readonly maxMessageBytes: number;
}

/** Channel is what replica.ts needs of a connection. */
export interface Channel {
  /** Rejects with encoder_unavailable (replica or connection lost), overloaded, deadline_exceeded, cancelled or request_invalid. */
  evaluate(request: EvaluateRequest, deadlineMs: number, signal: AbortSignal | undefined): Promise<EvaluateResponse>;
  models(timeoutMs: number): Promise<ModelsResponse>;
  /** Tells each change of the replica's own word on its health; resolves with the reason once nothing more will come. */
  watch(signal: AbortSignal, onHealth: (serving: boolean) => void): Promise<string>;
  close(): void;
}

/** ConnectChannel opens a channel to an address. */
export type ConnectChannel = (address: string) => Channel;

const emptyMetadata = new Metadata();

/** createChannels reads the protocol once and gives what opens channels. */
export function createChannels({ credentials, serverName, maxMessageBytes }: ChannelSettings): ConnectChannel {
  const { Classifier } = loadProtocol();
  const Health = makeClientConstructor(healthService, "Health");
  const watchMethod = healthService["Watch"] ?? healthService["watch"];
  if (watchMethod === undefined) throw new RouterError("internal", "grpc-health-check has no Watch method. This is a bug.");
  const options: ChannelOptions = {
    "grpc.max_receive_message_length": maxMessageBytes,
    "grpc.max_send_message_length": maxMessageBytes,
    // Detects a peer that is gone without a word (a dead node, a half-open connection).
    "grpc.keepalive_time_ms": 10_000,
    "grpc.keepalive_timeout_ms": 3_000,
    "grpc.keepalive_permit_without_calls": 1,
    // Our own back-off decides when to try again; the channel must not sleep longer than it.
    "grpc.initial_reconnect_backoff_ms": 100,
    "grpc.max_reconnect_backoff_ms": 1_000,
    // One connection per replica and front: two clients in one process must not share one.
    "grpc.use_local_subchannel_pool": 1,
    "grpc.service_config_disable_resolution": 1,
    "grpc.enable_http_proxy": 0,
    "grpc.enable_channelz": 0,
    ...(serverName === null ? {} : { "grpc.ssl_target_name_override": serverName, "grpc.default_authority": serverName }),
  };

  return (address) => {
    const client: ClassifierClient = new Classifier(address, credentials, options);
    const health: Client = new Health(address, credentials, { channelOverride: client.getChannel() });
    return {
      evaluate: (request, deadlineMs, signal) =>
        new Promise((resolve, reject) => {
          const call = client.evaluate(request, emptyMetadata, { deadline: Date.now() + deadlineMs }, (error, response) => {
            signal?.removeEventListener("abort", cancel);
            if (error !== null) reject(errorOf(error, address, signal?.aborted === true));
            else resolve(response ?? {});
          });
          const cancel = () => call.cancel();
          signal?.addEventListener("abort", cancel, { once: true });
        }),
      models: (timeoutMs) =>
        new Promise((resolve, reject) => {
          client.models({ protocolVersion: PROTOCOL_VERSION }, { deadline: Date.now() + timeoutMs }, (error, response) => {
            if (error !== null) reject(errorOf(error, address, false));
            else resolve(response ?? {});
          });
        }),
      watch: (signal, onHealth) =>
        new Promise((resolve) => {
          const { path, requestSerialize, responseDeserialize } = watchMethod;
          const stream = health.makeServerStreamRequest(path, requestSerialize, responseDeserialize, { service: serviceName });
          const cancel = () => stream.cancel();
          signal.addEventListener("abort", cancel, { once: true });
          const end = (reason: string) => {
            signal.removeEventListener("abort", cancel);
            resolve(reason);
          };
          stream.on("data", (answer: { status?: string }) => onHealth(answer.status === "SERVING"));
          stream.on("error", (error: ServiceError) => end(error.details));
          stream.on("end", () => end("the health watch ended"));
          if (signal.aborted) cancel();
        }),
      close: () => client.close(),
    };
  };
}

function errorOf(error: ServiceError, address: string, aborted: boolean): RouterError {
  const what = `classifier replica ${address}: ${error.details}`;
  if (aborted) return new RouterError("cancelled", "the caller left");
  switch (error.code) {
    case status.RESOURCE_EXHAUSTED:
      return new RouterError("overloaded", what, { cause: error });
    case status.DEADLINE_EXCEEDED:
      return new RouterError("deadline_exceeded", what, { cause: error });
    case status.INVALID_ARGUMENT:
      return new RouterError("request_invalid", what, { cause: error });
    default:
      // A connection that breaks is UNAVAILABLE, CANCELLED (the server shut down by force) or INTERNAL, by where it broke.
      return new RouterError("encoder_unavailable", what, { cause: error });
  }
}
