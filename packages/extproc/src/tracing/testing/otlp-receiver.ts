/**
 * A collector for tests: OTLP over gRPC and over HTTP on free ports, what came in as plain spans. It can be slow or refuse. It decodes
 * with a protocol file of its own, so that nothing of the exporter under test judges itself.
 */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import {
  loadPackageDefinition,
  Server,
  ServerCredentials,
  status,
  type sendUnaryData,
  type ServerUnaryCall,
  type ServiceClientConstructor,
} from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";

/** ReceivedSpan is one span as a collector sees it. */
export interface ReceivedSpan {
  readonly resource: Readonly<Record<string, unknown>>;
  readonly scope: string;
  readonly name: string;
  readonly kind: "internal" | "server" | "client";
  readonly traceId: string;
  readonly spanId: string;
  /** "" for a root. */
  readonly parentSpanId: string;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[];
  readonly events: readonly string[];
  readonly failed: boolean;
  /** Microseconds since the epoch. */
  readonly start: number;
  readonly end: number;
}

export interface OtlpReceiver {
  /** URLs for exporters. */
  readonly grpc: string;
  readonly http: string;
  readonly spans: ReceivedSpan[];
  /** Everything that came in, as it came: what a test searches for words that must not be there. */
  readonly bytes: Buffer[];
  /** "silent" never answers. */
  behave(how: "well" | "silent" | "refusing"): void;
  /** Resolves once `found` holds of what has come in; rejects after `timeoutMs`. */
  until(found: (spans: readonly ReceivedSpan[]) => boolean, timeoutMs?: number): Promise<readonly ReceivedSpan[]>;
  close(): Promise<void>;
}

/** startOtlpReceiver listens on loopback. */
export async function startOtlpReceiver(): Promise<OtlpReceiver> {
  const spans: ReceivedSpan[] = [];
  const bytes: Buffer[] = [];
  const arrivals = new EventTarget();
  let behaviour: "well" | "silent" | "refusing" = "well";
  const { decode, service } = loadTraceService();
  const take = (body: Buffer) => {
    bytes.push(body);
    spans.push(...decode(body));
    arrivals.dispatchEvent(new Event("spans"));
  };

  const http = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      if (behaviour === "silent") return;
      const body = Buffer.concat(chunks);
      const known = request.url === "/v1/traces" && request.headers["content-type"] === "application/x-protobuf";
      if (known && behaviour === "well") take(request.headers["content-encoding"] === "gzip" ? gunzipSync(body) : body);
      response.writeHead(behaviour === "well" ? (known ? 200 : 404) : 400, { "content-type": "application/x-protobuf" }).end();
    });
  });
  http.listen(0, "127.0.0.1");
  await once(http, "listening");

  const grpc = new Server();
  grpc.addService(service, {
    Export(call: ServerUnaryCall<Buffer, Buffer>, callback: sendUnaryData<Buffer>) {
      if (behaviour === "silent") return;
      if (behaviour === "refusing") return callback({ code: status.PERMISSION_DENIED });
      take(call.request);
      callback(null, Buffer.alloc(0));
    },
  });
  const grpcPort = await new Promise<number>((resolve, reject) => {
    grpc.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) => (error === null ? resolve(port) : reject(error)));
  });

  return {
    grpc: `http://127.0.0.1:${grpcPort}`,
    http: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    spans,
    bytes,
    behave(how) {
      behaviour = how;
    },
    async until(found, timeoutMs = 10_000) {
      const signal = AbortSignal.timeout(timeoutMs);
      while (!found(spans)) {
        await once(arrivals, "spans", { signal }).catch(() => {
          throw new Error(`what was waited for has not come; there are: ${spans.map(({ name }) => name).join(", ")}`);
        });
      }
      return spans;
    },
    async close() {
      grpc.forceShutdown();
      http.closeAllConnections();
      http.close();
      await once(http, "close");
    },
  };
}

interface RawValue {
  readonly value?: string;
  readonly stringValue?: string;
  readonly boolValue?: boolean;
  readonly intValue?: string;
  readonly doubleValue?: number;
  readonly arrayValue?: { readonly values: readonly RawValue[] };
}
type RawAttributes = readonly { readonly key: string; readonly value: RawValue }[];
interface RawSpan {
  readonly traceId: Buffer;
  readonly spanId: Buffer;
  readonly parentSpanId: Buffer;
  readonly name: string;
  readonly kind: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: RawAttributes;
  readonly events: readonly { readonly name: string }[];
  readonly links: readonly { readonly traceId: Buffer; readonly spanId: Buffer }[];
  readonly status: { readonly code: number } | null;
}
interface RawRequest {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: RawAttributes } | null;
    readonly scopeSpans: readonly { readonly scope: { readonly name: string } | null; readonly spans: readonly RawSpan[] }[];
  }[];
}

function loadTraceService() {
  const file = fileURLToPath(new URL("otlp.proto", import.meta.url));
  const definition = loadPackageDefinition(loadSync(file, { longs: String, defaults: true, oneofs: true }));
  const { turnout } = definition as unknown as { turnout: { testing: { otlp: { TraceService: ServiceClientConstructor } } } };
  const { Export } = turnout.testing.otlp.TraceService.service;
  if (Export === undefined) throw new Error("otlp.proto has lost its method");
  const same = (body: Buffer) => body;
  return {
    decode: (body: Buffer) => spansOf(Export.requestDeserialize(body) as RawRequest),
    service: {
      Export: {
        ...Export,
        path: "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
        requestDeserialize: same,
        responseSerialize: same,
      },
    },
  };
}

/** In the order of the protocol's enumeration. */
const KINDS: readonly ReceivedSpan["kind"][] = ["internal", "internal", "server", "client"];

function spansOf({ resourceSpans }: RawRequest): ReceivedSpan[] {
  return resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap(({ scope, spans }) =>
      spans.map((span) => ({
        resource: attributesOf(resource?.attributes ?? []),
        scope: scope?.name ?? "",
        name: span.name,
        kind: KINDS[span.kind] ?? "internal",
        traceId: span.traceId.toString("hex"),
        spanId: span.spanId.toString("hex"),
        parentSpanId: span.parentSpanId.toString("hex"),
        attributes: attributesOf(span.attributes),
        links: span.links.map(({ traceId, spanId }) => ({ traceId: traceId.toString("hex"), spanId: spanId.toString("hex") })),
        events: span.events.map(({ name }) => name),
        failed: span.status?.code === 2,
        start: Number(BigInt(span.startTimeUnixNano) / 1_000n),
        end: Number(BigInt(span.endTimeUnixNano) / 1_000n),
      })),
    ),
  );
}

function attributesOf(attributes: RawAttributes): Record<string, unknown> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, valueOf(value)]));
}

function valueOf(raw: RawValue): unknown {
  if (raw.value === "arrayValue") return raw.arrayValue?.values.map(valueOf) ?? [];
  if (raw.value === "intValue") return Number(raw.intValue);
  return raw.stringValue ?? raw.boolValue ?? raw.doubleValue;
}
