// Original file: proto/classifier/v1/classifier.proto


export interface Entity {
  'start'?: (number);
  'end'?: (number);
  'type'?: (string);
  'score'?: (number | string);
}

export interface Entity__Output {
  'start'?: (number);
  'end'?: (number);
  'type'?: (string);
  'score'?: (number);
}
