/**
 * What is known of personal data in some texts: the surest finding of each type, and nothing of the texts themselves. The signal keeps
 * this instead of detections, so that no value can reach a log, a header or a metric.
 */
import type { TextEntity } from "@turnout/shared";
import type { Detection } from "./detection.ts";
import { piiTypeOf } from "./vocabulary.ts";

/** PiiFindings maps types to the confidence of their surest finding. */
export class PiiFindings {
  readonly #confidences = new Map<string, number>();

  /** addDetections adds what the detectors found. */
  addDetections(detections: readonly Detection[]): void {
    for (const { type, confidence } of detections) this.#add(type, confidence);
  }

  /** addEntities adds what a token classifier found, under our names for its labels. */
  addEntities(entities: readonly TextEntity[]): void {
    for (const { type, score } of entities) this.#add(piiTypeOf(type), score);
  }

  /** surestBeside is the confidence of the surest finding whose type is not allowed; 0 when there is none. */
  surestBeside(allowed: ReadonlySet<string>): number {
    let surest = 0;
    for (const [type, confidence] of this.#confidences) if (!allowed.has(type)) surest = Math.max(surest, confidence);
    return surest;
  }

  #add(type: string, confidence: number): void {
    this.#confidences.set(type, Math.max(confidence, this.#confidences.get(type) ?? 0));
  }
}
