// Original file: proto/classifier/v1/classifier.proto


export interface Failure {
  'code'?: (string);
  'message'?: (string);
}

export interface Failure__Output {
  'code'?: (string);
  'message'?: (string);
}
