// Original file: proto/classifier/v1/classifier.proto

import type { Embedding as _classifier_v1_Embedding, Embedding__Output as _classifier_v1_Embedding__Output } from '../../classifier/v1/Embedding.ts';
import type { Failure as _classifier_v1_Failure, Failure__Output as _classifier_v1_Failure__Output } from '../../classifier/v1/Failure.ts';
import type { TraceContext as _classifier_v1_TraceContext, TraceContext__Output as _classifier_v1_TraceContext__Output } from '../../classifier/v1/TraceContext.ts';

export interface Outcome {
  'embedding'?: (_classifier_v1_Embedding | null);
  'failure'?: (_classifier_v1_Failure | null);
  'trace'?: (_classifier_v1_TraceContext | null);
  'result'?: "embedding"|"failure";
}

export interface Outcome__Output {
  'embedding'?: (_classifier_v1_Embedding__Output);
  'failure'?: (_classifier_v1_Failure__Output);
  'trace'?: (_classifier_v1_TraceContext__Output);
  'result'?: "embedding"|"failure";
}
