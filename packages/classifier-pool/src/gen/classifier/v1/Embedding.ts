// Original file: proto/classifier/v1/classifier.proto

import type { Timings as _classifier_v1_Timings, Timings__Output as _classifier_v1_Timings__Output } from '../../classifier/v1/Timings.ts';

export interface Embedding {
  'vector'?: (Buffer | Uint8Array | string);
  'tokens'?: (number);
  'sampled'?: (boolean);
  'heads'?: ({[key: string]: Buffer | Uint8Array | string});
  'timings'?: (_classifier_v1_Timings | null);
}

export interface Embedding__Output {
  'vector'?: (Buffer);
  'tokens'?: (number);
  'sampled'?: (boolean);
  'heads'?: ({[key: string]: Buffer});
  'timings'?: (_classifier_v1_Timings__Output);
}
