/**
 * A tap on the line between gateway and router: a gRPC proxy that hands every ext_proc message on byte for byte, in both directions,
 * and keeps a decoded copy. Resets, half-closes and errors pass it too. It shows what a gateway really sends, in which order, and how
 * it ends a stream.
 */
import { fileURLToPath } from "node:url";
import {
  Client,
  credentials,
  Metadata,
  Server,
  ServerCredentials,
  status,
  type MethodDefinition,
  type ServerDuplexStream,
  type ServiceDefinition,
} from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";

/** TappedHeader is a header as it was encoded. */
export interface TappedHeader {
  readonly key?: string;
  readonly value?: string;
  readonly rawValue?: Buffer;
}

/** TappedMessage is a decoded ProcessingRequest or ProcessingResponse, its oneof's case as `kind`. */
export interface TappedMessage {
  readonly from: "gateway" | "router";
  readonly kind: string;
  readonly message: Readonly<Record<string, unknown>>;
}

export interface Conversation {
  readonly messages: readonly TappedMessage[];
  /** How the gateway ended the stream. */
  readonly end: "reset" | "half_close";
}

export interface Tap {
  readonly port: number;
  /** The next stream that ends, if it was opened after this call. */
  next(): Promise<Conversation>;
  close(): Promise<void>;
}

const protoFolder = fileURLToPath(new URL("../../packages/extproc/proto", import.meta.url));
const untouched = (bytes: Buffer): Buffer => bytes;

/** startTap listens on a free loopback port and forwards to the router on `routerPort`. */
export async function startTap(routerPort: number): Promise<Tap> {
  const service = loadSync("envoy/service/ext_proc/v3/external_processor.proto", {
    includeDirs: [protoFolder],
    keepCase: false,
    longs: Number,
    enums: String,
    defaults: false,
    oneofs: true,
  })["envoy.service.ext_proc.v3.ExternalProcessor"] as unknown as { readonly Process: MethodDefinition<object, object> };
  const method = service.Process;
  const router = new Client(`127.0.0.1:${routerPort}`, credentials.createInsecure());
  const server = new Server({ "grpc.max_receive_message_length": -1 });
  const waiting: ((conversation: Conversation) => void)[] = [];

  const proxied: ServiceDefinition = {
    Process: {
      ...method,
      requestDeserialize: untouched,
      requestSerialize: untouched,
      responseSerialize: untouched,
      responseDeserialize: untouched,
    },
  };
  server.addService(proxied, {
    Process(gateway: ServerDuplexStream<Buffer, Buffer>) {
      const listener = waiting.shift();
      const messages: TappedMessage[] = [];
      const toRouter = router.makeBidiStreamRequest(method.path, untouched, untouched, new Metadata());
      let over = false;
      const finish = (end: Conversation["end"]) => {
        if (over) return;
        over = true;
        listener?.({ messages, end });
      };
      gateway.on("data", (bytes: Buffer) => {
        messages.push(tapped("gateway", "request", method.requestDeserialize(bytes)));
        toRouter.write(bytes);
      });
      // A reset shows itself as an end too, and as cancelled right after it: only the router's own end says that it was none.
      gateway.on("end", () => toRouter.end());
      gateway.on("cancelled", () => {
        toRouter.cancel();
        finish("reset");
      });
      gateway.on("error", () => toRouter.cancel());
      toRouter.on("data", (bytes: Buffer) => {
        messages.push(tapped("router", "response", method.responseDeserialize(bytes)));
        if (!gateway.cancelled) gateway.write(bytes);
      });
      toRouter.on("end", () => {
        gateway.end();
        finish("half_close");
      });
      toRouter.on("error", (error: Error & { code?: number }) => {
        if (!gateway.cancelled) gateway.emit("error", { code: error.code ?? status.UNKNOWN, details: error.message });
      });
    },
  });
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    ),
  );
  return {
    port,
    next: () => new Promise((resolve) => waiting.push(resolve)),
    async close() {
      server.forceShutdown();
      router.close();
      await Promise.resolve();
    },
  };
}

function tapped(from: TappedMessage["from"], oneof: "request" | "response", message: object): TappedMessage {
  const fields = message as Record<string, unknown>;
  return { from, kind: String(fields[oneof] ?? "none"), message: fields };
}
