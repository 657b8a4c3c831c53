// Original file: proto/classifier/v1/classifier.proto


export interface TraceContext {
  'traceparent'?: (string);
  'tracestate'?: (string);
}

export interface TraceContext__Output {
  'traceparent'?: (string);
  'tracestate'?: (string);
}
