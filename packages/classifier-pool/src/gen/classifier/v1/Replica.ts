// Original file: proto/classifier/v1/classifier.proto


export interface Replica {
  'protocolVersion'?: (number);
  'model'?: (string);
  'revision'?: (string);
  'queueDepth'?: (number);
}

export interface Replica__Output {
  'protocolVersion'?: (number);
  'model'?: (string);
  'revision'?: (string);
  'queueDepth'?: (number);
}
