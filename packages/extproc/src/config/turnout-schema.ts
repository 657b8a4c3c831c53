import { z } from "zod";
import { responseCacheTuning } from "./response-cache-schema.ts";

/**
 * The `turnout:` block: everything that is ours and that vLLM Semantic Router does not know. Deleting it gives a vSR file again,
 * so every key has a default. Descriptions are printed in the docs and shown by editors.
 */

const limits = z.strictObject({
  max_body_bytes: z
    .int()
    .min(1024)
    .default(32 * 1024 * 1024)
    .describe(
      "Largest request body that is routed, in bytes; a larger one is answered with 413. global.router.streamed_body.max_bytes wins where it is set.",
    ),
  max_held_bytes: z
    .int()
    .min(1024)
    .default(256 * 1024 * 1024)
    .describe("Bytes that all requests together may hold while their bodies arrive."),
  body_timeout_ms: z
    .int()
    .min(1)
    .default(30_000)
    .describe(
      "How long a request body may take to arrive, in milliseconds, before 408. global.router.streamed_body.timeout_sec wins where it is set.",
    ),
});

const signals = z.strictObject({
  max_tokens: z
    .int()
    .min(8)
    .max(512)
    .default(128)
    .describe("Tokens of a text that the encoder reads, special tokens included. More is slower."),
  sampling: z
    .enum(["head", "head_middle_tail"])
    .default("head_middle_tail")
    .describe("What is read of a longer text: its beginning, or a third each from beginning, middle and end."),
});

const classifierTls = z.strictObject({
  ca_file: z.string().min(1).optional().describe("Authority of the service's certificate (PEM). Default: the system's authorities."),
  cert_file: z.string().min(1).optional().describe("This front's certificate (PEM), where the service asks for one (mTLS)."),
  key_file: z.string().min(1).optional().describe("Key of cert_file (PEM)."),
  server_name: z.string().min(1).optional().describe("Name in the service's certificate. Default: the endpoint's host."),
});

/** refuseCutGraph refuses layers of a published graph: only a graph of our own can be left early. */
function refuseCutGraph(
  { variant, layers }: { readonly variant: string; readonly layers?: number | undefined },
  issues: z.RefinementCtx,
): void {
  if (variant !== "as-is" || layers === undefined) return;
  issues.addIssue({ code: "custom", path: ["layers"], message: "an as-is model runs whole; layers go with variant int8 or fp32" });
}

const furtherModel = z
  .strictObject({
    model: z.string().min(1).describe("The prepared model; `turnout models list` knows the names."),
    variant: z
      .enum(["int8", "fp32", "as-is"])
      .default("as-is")
      .describe("as-is is a published ONNX graph (encoder, sequence or token classifier), int8 and fp32 are converted encoders."),
    dimension: z.int().min(1).max(16_384).optional().describe("Use only the first numbers of its vectors (Matryoshka). Default: all."),
    layers: z.int().min(1).max(256).optional().describe("Leave the encoder after this many layers. Not for as-is. Default: all."),
    preload: z
      .boolean()
      .default(false)
      .describe(
        "Load it in every worker before Turnout is ready; otherwise each worker loads it when a text first needs it, and that text waits.",
      ),
  })
  .superRefine(refuseCutGraph);

const domainClassifier = z.strictObject({
  cascade: z
    .enum(["auto", "embedded", "encoder"])
    .default("auto")
    .describe(
      "Who answers the domain signal for the 14 known domains. auto: the embedded tier in microseconds, and the encoder too where that is unsure; embedded: never the encoder; encoder: always both.",
    ),
});

/** poolShape is what is the pool's own, wherever that is. */
const poolShape = {
  model: z
    .string()
    .min(1)
    .default("all-MiniLM-L6-v2")
    .describe("Encoder for the signals that need one; `turnout models list` knows the names."),
  variant: z
    .enum(["int8", "fp32", "as-is"])
    .default("int8")
    .describe("int8 is fast; fp32 is the reference; as-is is a published ONNX graph, prepared with `turnout models prepare --as-is`."),
  models: z
    .record(z.string().regex(/^[A-Za-z0-9][\w.-]*$/, "expected letters, digits, ., _ and -"), furtherModel)
    .default({})
    .describe(
      "Further models beside the encoder, by the name that signals ask for them. All share the workers; each has a queue of its own.",
    ),
  dimension: z
    .int()
    .min(1)
    .max(16_384)
    .optional()
    .describe("Use only the first numbers of the vectors, for encoders trained for it (Matryoshka). Default: all."),
  layers: z
    .int()
    .min(1)
    .max(256)
    .optional()
    .describe("Leave the encoder after this many layers: quicker and less exact. Not for as-is. Default: all."),
  backend: z
    .enum(["onnx", "deterministic"])
    .default("onnx")
    .describe("onnx runs the encoder; deterministic needs no weights and understands nothing, for tests and demos of the mechanics."),
  models_directory: z
    .string()
    .min(1)
    .optional()
    .describe("Where prepared models are kept. Default: $TURNOUT_MODELS_DIR or the user's cache directory."),
  workers: z
    .union([z.literal("auto"), z.int().min(1).max(256)])
    .default("auto")
    .describe("Worker threads with one inference session each; auto fits the machine."),
  queue_limit: z
    .int()
    .min(1)
    .default(1024)
    .describe("Texts that may wait for a worker; more are refused at once and the request goes on without."),
  max_batch_tokens: z
    .int()
    .min(16)
    .default(192)
    .describe("Padded tokens in one batch. Larger batches raise throughput a little and latency a lot."),
  embedding_cache_bytes: z
    .int()
    .min(0)
    .default(32 * 1024 * 1024)
    .describe("Memory for embeddings of texts that come again; 0 turns it off. An entry takes about 2 KB, and no text is kept."),
};

/** poolKeys are the keys of `turnout.classifier` that say nothing to a front whose pool is a service. */
export const poolKeys: ReadonlySet<string> = new Set(Object.keys(poolShape));

const classifier = z
  .strictObject({
    domain: domainClassifier.prefault({}).describe("How domains are classified."),
    endpoint: z
      .string()
      .regex(/^(dns:\/{3}[^\s,/]+:\d{1,5}|[^\s,/]+:\d{1,5}(\s*,\s*[^\s,/]+:\d{1,5})*)$/, "expected dns:///host:port or host:port,host:port")
      .optional()
      .describe(
        "A classifier service of its own (`turnout classifier`): dns:///host:port with one address per replica, or host:port,host:port. The keys about model, workers and queue are then the service's.",
      ),
    balancing: z
      .enum(["power_of_two", "round_robin"])
      .default("power_of_two")
      .describe("Which replica of the service is asked: the less loaded of two drawn ones, or each in turn."),
    tls: classifierTls.optional().describe("TLS to the service; without it the connection is plain."),
    ...poolShape,
  })
  .superRefine(refuseCutGraph);

export const turnoutSchema = z.strictObject({
  gateway: z
    .enum(["envoy", "agentgateway", "auto"])
    .default("auto")
    .describe("Which gateway speaks ExtProc to us: decides how streamed responses are observed. auto recognises it by its requests."),
  deadline_ms: z
    .int()
    .min(1)
    .default(80)
    .describe(
      "Time for routing one request, in milliseconds. When it is over the request goes on with what is known, and a header and a counter say so.",
    ),
  unknown_model: z
    .enum(["refuse", "pass_through"])
    .default("refuse")
    .describe("A request for a model that no provider has: answer 400 as vLLM Semantic Router does, or forward it untouched."),
  observe_usage: z.boolean().default(true).describe("Read token counts from responses as they pass (never delaying or changing them)."),
  log_level: z.enum(["trace", "debug", "info", "warn", "error", "silent"]).default("info").describe("Least level that is logged."),
  limits: limits.prefault({}).describe("Bounds on request bodies."),
  signals: signals.prefault({}).describe("How texts are read for the domain and embedding signals."),
  response_cache: responseCacheTuning.prefault({}).describe("The response cache, beside what global.stores.response_cache says of it."),
  classifier: classifier.prefault({}).describe("The classifier pool: inside this process, or a service of its own."),
});
