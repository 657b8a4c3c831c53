// Original file: proto/classifier/v1/classifier.proto

import type { Item as _classifier_v1_Item, Item__Output as _classifier_v1_Item__Output } from '../../classifier/v1/Item.ts';

export interface EvaluateRequest {
  'protocolVersion'?: (number);
  'items'?: (_classifier_v1_Item)[];
}

export interface EvaluateRequest__Output {
  'protocolVersion'?: (number);
  'items'?: (_classifier_v1_Item__Output)[];
}
