// Original file: proto/classifier/v1/classifier.proto


export interface Timings {
  'queueMs'?: (number | string);
  'tokenizeMs'?: (number | string);
  'computeMs'?: (number | string);
  'batchSize'?: (number);
}

export interface Timings__Output {
  'queueMs'?: (number);
  'tokenizeMs'?: (number);
  'computeMs'?: (number);
  'batchSize'?: (number);
}
