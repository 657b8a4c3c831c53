// Original file: proto/classifier/v1/classifier.proto

import type { Outcome as _classifier_v1_Outcome, Outcome__Output as _classifier_v1_Outcome__Output } from '../../classifier/v1/Outcome.ts';

export interface SubmissionOutcome {
  'outcomes'?: (_classifier_v1_Outcome)[];
}

export interface SubmissionOutcome__Output {
  'outcomes'?: (_classifier_v1_Outcome__Output)[];
}
