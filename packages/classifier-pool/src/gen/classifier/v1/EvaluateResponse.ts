// Original file: proto/classifier/v1/classifier.proto

import type { Replica as _classifier_v1_Replica, Replica__Output as _classifier_v1_Replica__Output } from '../../classifier/v1/Replica.ts';
import type { Outcome as _classifier_v1_Outcome, Outcome__Output as _classifier_v1_Outcome__Output } from '../../classifier/v1/Outcome.ts';

export interface EvaluateResponse {
  'replica'?: (_classifier_v1_Replica | null);
  'outcomes'?: (_classifier_v1_Outcome)[];
}

export interface EvaluateResponse__Output {
  'replica'?: (_classifier_v1_Replica__Output);
  'outcomes'?: (_classifier_v1_Outcome__Output)[];
}
