/** Shows in the metrics whether the encoder can be asked. Called by compose.ts and `turnout classifier`. */
import type { Classifier, EncoderStatus, Metrics } from "@turnout/shared";

const STATES: readonly EncoderStatus["state"][] = ["idle", "starting", "ready", "unavailable"];

/** gaugeStatus lets each scrape ask for the status, so that nothing has to announce its changes. */
export function gaugeStatus({ classifierState }: Metrics, classifier: Pick<Classifier, "status">): void {
  const collect = () => {
    const { state } = classifier.status();
    for (const each of STATES) classifierState.set({ state: each }, each === state ? 1 : 0);
  };
  // prom-client calls it before it reads a gauge; its types know it only as an option of the constructor, which is called elsewhere.
  Object.assign(classifierState, { collect });
}
