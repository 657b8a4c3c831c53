// Original file: proto/classifier/v1/classifier.proto

import type { Head as _classifier_v1_Head, Head__Output as _classifier_v1_Head__Output } from '../../classifier/v1/Head.ts';

export interface Model {
  'name'?: (string);
  'revision'?: (string);
  'dimension'?: (number);
  'heads'?: (_classifier_v1_Head)[];
}

export interface Model__Output {
  'name'?: (string);
  'revision'?: (string);
  'dimension'?: (number);
  'heads'?: (_classifier_v1_Head__Output)[];
}
