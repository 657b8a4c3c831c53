// Original file: proto/classifier/v1/classifier.proto


export interface ModelsRequest {
  'protocolVersion'?: (number);
}

export interface ModelsRequest__Output {
  'protocolVersion'?: (number);
}
