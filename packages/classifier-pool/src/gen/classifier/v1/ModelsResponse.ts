// Original file: proto/classifier/v1/classifier.proto

import type { Replica as _classifier_v1_Replica, Replica__Output as _classifier_v1_Replica__Output } from '../../classifier/v1/Replica.ts';
import type { Model as _classifier_v1_Model, Model__Output as _classifier_v1_Model__Output } from '../../classifier/v1/Model.ts';

export interface ModelsResponse {
  'replica'?: (_classifier_v1_Replica | null);
  'models'?: (_classifier_v1_Model)[];
}

export interface ModelsResponse__Output {
  'replica'?: (_classifier_v1_Replica__Output);
  'models'?: (_classifier_v1_Model__Output)[];
}
