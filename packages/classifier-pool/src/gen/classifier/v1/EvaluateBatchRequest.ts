// Original file: proto/classifier/v1/classifier.proto

import type { Submission as _classifier_v1_Submission, Submission__Output as _classifier_v1_Submission__Output } from '../../classifier/v1/Submission.ts';

export interface EvaluateBatchRequest {
  'protocolVersion'?: (number);
  'submissions'?: (_classifier_v1_Submission)[];
}

export interface EvaluateBatchRequest__Output {
  'protocolVersion'?: (number);
  'submissions'?: (_classifier_v1_Submission__Output)[];
}
