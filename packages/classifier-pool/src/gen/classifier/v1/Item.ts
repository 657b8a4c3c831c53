// Original file: proto/classifier/v1/classifier.proto

import type { Window as _classifier_v1_Window, Window__Output as _classifier_v1_Window__Output } from '../../classifier/v1/Window.ts';
import type { TraceContext as _classifier_v1_TraceContext, TraceContext__Output as _classifier_v1_TraceContext__Output } from '../../classifier/v1/TraceContext.ts';

export interface Item {
  'text'?: (string);
  'window'?: (_classifier_v1_Window | null);
  'heads'?: (string)[];
  'trace'?: (_classifier_v1_TraceContext | null);
  'model'?: (string);
  'entities'?: (boolean);
}

export interface Item__Output {
  'text'?: (string);
  'window'?: (_classifier_v1_Window__Output);
  'heads'?: (string)[];
  'trace'?: (_classifier_v1_TraceContext__Output);
  'model'?: (string);
  'entities'?: (boolean);
}
