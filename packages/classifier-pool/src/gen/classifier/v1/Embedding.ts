// Original file: proto/classifier/v1/classifier.proto

import type { HeadLogits as _classifier_v1_HeadLogits, HeadLogits__Output as _classifier_v1_HeadLogits__Output } from '../../classifier/v1/HeadLogits.ts';
import type { Timings as _classifier_v1_Timings, Timings__Output as _classifier_v1_Timings__Output } from '../../classifier/v1/Timings.ts';
import type { Scan as _classifier_v1_Scan, Scan__Output as _classifier_v1_Scan__Output } from '../../classifier/v1/Scan.ts';

export interface Embedding {
  'vector'?: (Buffer | Uint8Array | string);
  'tokens'?: (number);
  'sampled'?: (boolean);
  'heads'?: (_classifier_v1_HeadLogits)[];
  'timings'?: (_classifier_v1_Timings | null);
  'scan'?: (_classifier_v1_Scan | null);
  'model'?: (string);
}

export interface Embedding__Output {
  'vector'?: (Buffer);
  'tokens'?: (number);
  'sampled'?: (boolean);
  'heads'?: (_classifier_v1_HeadLogits__Output)[];
  'timings'?: (_classifier_v1_Timings__Output);
  'scan'?: (_classifier_v1_Scan__Output);
  'model'?: (string);
}
