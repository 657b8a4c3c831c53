/**
 * What a message wants, as the embedded tier sees it: one head reads its words, another its cues (cues.ts), and the two are averaged in
 * log-probabilities. Words know what has been seen; cues carry over to other topics. The signals that ask such a question call it.
 */
import { RouterError, type EmbeddedTier } from "@turnout/shared";
import { IntentCueReader } from "./cues.ts";

/** IntentTask is one question about messages, and the heads that answer it. Its labels exclude each other. */
export interface IntentTask {
  /** Name of the head that reads words; the one that reads cues is called by cueHeadOf. */
  readonly head: string;
  readonly labels: readonly string[];
  /** How much the cues count, 0 to 1; chosen on training data. */
  readonly cueShare: number;
}

/** cueHeadOf is the name of the head that reads cues. */
export const cueHeadOf = (head: string): string => `${head}_cues`;

/** Probability below which a label's logarithm is cut: one head alone must not rule a label out. */
const LEAST = 1e-6;

/** Readers by tier: all questions to one share its reader, which remembers the latest message's cues. */
const readers = new WeakMap<EmbeddedTier, IntentCueReader>();

function readerOf(embedded: EmbeddedTier): IntentCueReader {
  const reader = readers.get(embedded) ?? new IntentCueReader();
  readers.set(embedded, reader);
  return reader;
}

/** IntentScale judges messages for one task. It owns buffers: one for each thread. */
export class IntentScale {
  readonly #embedded: EmbeddedTier;
  readonly #task: IntentTask;
  readonly #reader: IntentCueReader;

  /** of gives the reason instead where there is no such model: the configuration is right, and each request says what is missing. */
  static of(embedded: EmbeddedTier | null, task: IntentTask): IntentScale | RouterError {
    try {
      if (embedded !== null) return new IntentScale(embedded, task);
      return new RouterError("model_unsupported", `there is no embedded model with a head "${task.head}"`);
    } catch (error) {
      return RouterError.from(error);
    }
  }

  private constructor(embedded: EmbeddedTier, task: IntentTask) {
    for (const head of [task.head, cueHeadOf(task.head)]) {
      if (embedded.labelsOf(head)?.join() !== task.labels.join())
        throw new RouterError("model_unsupported", `the embedded model has no head "${head}" that tells ${task.labels.join(", ")} apart`);
    }
    this.#embedded = embedded;
    this.#reader = readerOf(embedded);
    this.#task = task;
  }

  /** thresholdOf a label, chosen on training data. */
  thresholdOf(label: string): number {
    return this.#embedded.thresholdOf(this.#task.head, label);
  }

  /** judge gives the probability of each label, or null for a text in a script that the model does not know. */
  judge(text: string): Float32Array | null {
    const reading = this.#embedded.read(text);
    if (reading.foreign) return null;
    const { head, cueShare } = this.#task;
    const words = reading.classify(head).probabilities;
    const cues = this.#embedded.read(this.#reader.cues(text)).classify(cueHeadOf(head)).probabilities;
    return softmax(words.map((word, label) => (1 - cueShare) * logOf(word) + cueShare * logOf(cues[label] as number)));
  }
}

const logOf = (probability: number) => Math.log(Math.max(probability, LEAST));

function softmax(logs: Float32Array): Float32Array {
  const powers = logs.map(Math.exp);
  const sum = powers.reduce((total, power) => total + power, 0);
  return powers.map((power) => power / sum);
}
