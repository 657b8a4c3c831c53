// Original file: proto/classifier/v1/classifier.proto


export interface HeadLogits {
  'name'?: (string);
  'logits'?: (Buffer | Uint8Array | string);
}

export interface HeadLogits__Output {
  'name'?: (string);
  'logits'?: (Buffer);
}
