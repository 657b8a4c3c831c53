/** The embedded tier: classification in microseconds in the calling thread. Loads no ONNX. */
export { createEmbeddedTier, defaultEmbeddedModel, loadEmbeddedModel } from "./embedded-model.ts";
