/**
 * classifier.v1 as both ends speak it: where the .proto file lies, how it is loaded, which versions understand each other, and
 * short names for the generated types. Used by server.ts and by the remote client; loads no encoder.
 */
import { fileURLToPath } from "node:url";
import { loadPackageDefinition } from "@grpc/grpc-js";
import { loadSync, type Options, type PackageDefinition } from "@grpc/proto-loader";
import type { ProtoGrpcType } from "../gen/classifier.ts";

export type { ClassifierClient, ClassifierHandlers } from "../gen/classifier/v1/Classifier.ts";
export type { Embedding, Embedding__Output as EmbeddingRead } from "../gen/classifier/v1/Embedding.ts";
export type { EvaluateRequest } from "../gen/classifier/v1/EvaluateRequest.ts";
export type { EvaluateResponse__Output as EvaluateResponse } from "../gen/classifier/v1/EvaluateResponse.ts";
export type { Item, Item__Output as ItemRead } from "../gen/classifier/v1/Item.ts";
export type { Model, Model__Output as ModelRead } from "../gen/classifier/v1/Model.ts";
export type { ModelsResponse__Output as ModelsResponse } from "../gen/classifier/v1/ModelsResponse.ts";
export type { Outcome, Outcome__Output as OutcomeRead } from "../gen/classifier/v1/Outcome.ts";
export type { Replica as ReplicaFace } from "../gen/classifier/v1/Replica.ts";
export type { Scan__Output as ScanRead } from "../gen/classifier/v1/Scan.ts";

/** PROTOCOL_VERSION rises when the meaning of a field changes; a field that is only added does not raise it. */
export const PROTOCOL_VERSION = 1;

/** understands says whether the other side's version can be worked with: a rollout may replace either side first. */
export function understands(version: number): boolean {
  return version >= 1 && Math.abs(version - PROTOCOL_VERSION) <= 1;
}

/**
 * REPLY_TIME is how long before a call's own deadline the service answers with what is known by then, so that the answer still arrives;
 * of a short call it is the last quarter.
 */
export const REPLY_TIME = { ms: 15, share: 0.25 } as const;

/**
 * GRACE_MS is how much longer than its caller a front waits for the reply: less than REPLY_TIME, or the texts would get no answer within
 * their deadline.
 */
export const GRACE_MS = 5;

/** serviceName is also its name in the health service. */
export const serviceName = "classifier.v1.Classifier";

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
  readonly Classifier: ProtoGrpcType["classifier"]["v1"]["Classifier"];
}

/** loadDescriptors reads the .proto file for reflection: with its fields named as they stand there. */
export function loadDescriptors(): PackageDefinition {
  return loadSync("classifier/v1/classifier.proto", { ...loaderOptions, keepCase: true });
}

/** loadProtocol reads the .proto file (a few milliseconds of synchronous I/O: once, at start-up). */
export function loadProtocol(): Protocol {
  const packageDefinition = loadSync("classifier/v1/classifier.proto", loaderOptions);
  // The generated type describes exactly the file just loaded; the check in scripts/generate-proto.mjs keeps them together.
  const root = loadPackageDefinition(packageDefinition) as unknown as ProtoGrpcType;
  return { Classifier: root.classifier.v1.Classifier };
}
