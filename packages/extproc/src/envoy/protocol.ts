/**
 * The ext_proc protocol as this folder speaks it: where the .proto files lie, how they are loaded, and short names for the
 * generated types. Everything else in the folder imports Envoy's words from here.
 */
import { fileURLToPath } from "node:url";
import { loadPackageDefinition } from "@grpc/grpc-js";
import { loadSync, type Options, type PackageDefinition } from "@grpc/proto-loader";
import type { ProcessingMode } from "../gen/envoy/extensions/filters/http/ext_proc/v3/ProcessingMode.ts";
import type { ProtoGrpcType } from "../gen/external_processor.ts";

export type { ProcessingMode };
export type { HeaderMap__Output as HeaderMap } from "../gen/envoy/config/core/v3/HeaderMap.ts";
export type { HeaderMutation } from "../gen/envoy/service/ext_proc/v3/HeaderMutation.ts";
export type { HttpBody__Output as HttpBody } from "../gen/envoy/service/ext_proc/v3/HttpBody.ts";
export type { HttpHeaders__Output as HttpHeaders } from "../gen/envoy/service/ext_proc/v3/HttpHeaders.ts";
export type {
  ExternalProcessorClient,
  ExternalProcessorDefinition,
  ExternalProcessorHandlers,
} from "../gen/envoy/service/ext_proc/v3/ExternalProcessor.ts";
/** ProcessingRequest is a message as it is decoded; fields that were not sent are absent. */
export type { ProcessingRequest__Output as ProcessingRequest } from "../gen/envoy/service/ext_proc/v3/ProcessingRequest.ts";
/** ProcessingRequestInput is a message as a gateway writes it; only the tests' simulators do. */
export type { ProcessingRequest as ProcessingRequestInput } from "../gen/envoy/service/ext_proc/v3/ProcessingRequest.ts";
/** ProcessingResponse is an answer as we write it; only reply.ts makes one. */
export type { ProcessingResponse } from "../gen/envoy/service/ext_proc/v3/ProcessingResponse.ts";
/** ProcessingResponseOutput is an answer as a gateway reads it. */
export type { ProcessingResponse__Output as ProcessingResponseOutput } from "../gen/envoy/service/ext_proc/v3/ProcessingResponse.ts";
export type { ProtocolConfiguration__Output as ProtocolConfiguration } from "../gen/envoy/service/ext_proc/v3/ProtocolConfiguration.ts";
export type { Struct__Output as Struct } from "../gen/google/protobuf/Struct.ts";

/** serviceName is ext_proc's full gRPC name, also its name in the health service. */
export const serviceName = "envoy.service.ext_proc.v3.ExternalProcessor";

/** protoDirectory lies beside src/ and dist/, so one relative path serves both. */
const protoDirectory = fileURLToPath(new URL("../../proto", import.meta.url));

/** loaderOptions must agree with scripts/generate-proto.mjs, which makes the types. */
const loaderOptions: Options = {
  includeDirs: [protoDirectory],
  keepCase: false,
  longs: Number,
  enums: String,
  defaults: false,
  oneofs: true,
};

export interface Protocol {
  readonly packageDefinition: PackageDefinition;
  readonly ExternalProcessor: ProtoGrpcType["envoy"]["service"]["ext_proc"]["v3"]["ExternalProcessor"];
}

/** loadProtocol reads the .proto files (a few milliseconds of synchronous I/O: once, at start-up). */
export function loadProtocol(): Protocol {
  const packageDefinition = loadSync("envoy/service/ext_proc/v3/external_processor.proto", loaderOptions);
  // The generated type describes exactly the files just loaded; the check in scripts/generate-proto.mjs keeps them together.
  const root = loadPackageDefinition(packageDefinition) as unknown as ProtoGrpcType;
  return { packageDefinition, ExternalProcessor: root.envoy.service.ext_proc.v3.ExternalProcessor };
}
