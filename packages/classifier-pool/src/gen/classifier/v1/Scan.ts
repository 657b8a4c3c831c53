// Original file: proto/classifier/v1/classifier.proto

import type { Entity as _classifier_v1_Entity, Entity__Output as _classifier_v1_Entity__Output } from '../../classifier/v1/Entity.ts';

export interface Scan {
  'entities'?: (_classifier_v1_Entity)[];
  'scannedChars'?: (number);
}

export interface Scan__Output {
  'entities'?: (_classifier_v1_Entity__Output)[];
  'scannedChars'?: (number);
}
