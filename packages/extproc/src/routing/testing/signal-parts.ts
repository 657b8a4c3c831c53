/** What tests hand to a signal: settings without an embedded tier, and a context in which nothing is provisional. */
import { RouterError, type RequestInference, type SignalContext, type SignalSettings } from "@turnout/shared";

/** signalSettings are those of a configuration without any learned part; `changes` go over them. */
export function signalSettings(changes: Partial<SignalSettings> = {}): SignalSettings {
  return { window: { maxTokens: 128, sampling: "head" }, embedded: null, encoderModel: () => null, domainCascade: "auto", ...changes };
}

/** signalContext is what an evaluator gets; without `inference`, asking the encoder is a mistake. */
export function signalContext(inference: RequestInference = noInference): SignalContext {
  return { inference, provisional: () => undefined };
}

const refuse = () => Promise.reject(new RouterError("internal", "this signal must not ask the encoder"));
const noInference: RequestInference = { embed: refuse, infer: refuse };
