// Original file: proto/classifier/v1/classifier.proto

import type { Replica as _classifier_v1_Replica, Replica__Output as _classifier_v1_Replica__Output } from '../../classifier/v1/Replica.ts';
import type { SubmissionOutcome as _classifier_v1_SubmissionOutcome, SubmissionOutcome__Output as _classifier_v1_SubmissionOutcome__Output } from '../../classifier/v1/SubmissionOutcome.ts';

export interface EvaluateBatchResponse {
  'replica'?: (_classifier_v1_Replica | null);
  'submissions'?: (_classifier_v1_SubmissionOutcome)[];
}

export interface EvaluateBatchResponse__Output {
  'replica'?: (_classifier_v1_Replica__Output);
  'submissions'?: (_classifier_v1_SubmissionOutcome__Output)[];
}
