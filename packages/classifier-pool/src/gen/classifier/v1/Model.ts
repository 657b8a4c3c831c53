// Original file: proto/classifier/v1/classifier.proto

import type { Head as _classifier_v1_Head, Head__Output as _classifier_v1_Head__Output } from '../../classifier/v1/Head.ts';

// Original file: proto/classifier/v1/classifier.proto

export const _classifier_v1_Model_State = {
  READY: 'READY',
  STARTING: 'STARTING',
  UNAVAILABLE: 'UNAVAILABLE',
} as const;

export type _classifier_v1_Model_State =
  | 'READY'
  | 0
  | 'STARTING'
  | 1
  | 'UNAVAILABLE'
  | 2

export type _classifier_v1_Model_State__Output = typeof _classifier_v1_Model_State[keyof typeof _classifier_v1_Model_State]

export interface Model {
  'name'?: (string);
  'revision'?: (string);
  'dimension'?: (number);
  'heads'?: (_classifier_v1_Head)[];
  'servedAs'?: (string);
  'entityTypes'?: (string)[];
  'state'?: (_classifier_v1_Model_State);
  'reason'?: (string);
}

export interface Model__Output {
  'name'?: (string);
  'revision'?: (string);
  'dimension'?: (number);
  'heads'?: (_classifier_v1_Head__Output)[];
  'servedAs'?: (string);
  'entityTypes'?: (string)[];
  'state'?: (_classifier_v1_Model_State__Output);
  'reason'?: (string);
}
