// Original file: proto/classifier/v1/classifier.proto


export interface Head {
  'name'?: (string);
  'labels'?: (string)[];
}

export interface Head__Output {
  'name'?: (string);
  'labels'?: (string)[];
}
