// Original file: proto/classifier/v1/classifier.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { EvaluateBatchRequest as _classifier_v1_EvaluateBatchRequest, EvaluateBatchRequest__Output as _classifier_v1_EvaluateBatchRequest__Output } from '../../classifier/v1/EvaluateBatchRequest.ts';
import type { EvaluateBatchResponse as _classifier_v1_EvaluateBatchResponse, EvaluateBatchResponse__Output as _classifier_v1_EvaluateBatchResponse__Output } from '../../classifier/v1/EvaluateBatchResponse.ts';
import type { EvaluateRequest as _classifier_v1_EvaluateRequest, EvaluateRequest__Output as _classifier_v1_EvaluateRequest__Output } from '../../classifier/v1/EvaluateRequest.ts';
import type { EvaluateResponse as _classifier_v1_EvaluateResponse, EvaluateResponse__Output as _classifier_v1_EvaluateResponse__Output } from '../../classifier/v1/EvaluateResponse.ts';
import type { ModelsRequest as _classifier_v1_ModelsRequest, ModelsRequest__Output as _classifier_v1_ModelsRequest__Output } from '../../classifier/v1/ModelsRequest.ts';
import type { ModelsResponse as _classifier_v1_ModelsResponse, ModelsResponse__Output as _classifier_v1_ModelsResponse__Output } from '../../classifier/v1/ModelsResponse.ts';

export interface ClassifierClient extends grpc.Client {
  Evaluate(argument: _classifier_v1_EvaluateRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_classifier_v1_EvaluateResponse__Output>): grpc.ClientUnaryCall;
  Evaluate(argument: _classifier_v1_EvaluateRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_classifier_v1_EvaluateResponse__Output>): grpc.ClientUnaryCall;
  Evaluate(argument: _classifier_v1_EvaluateRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_classifier_v1_EvaluateResponse__Output>): grpc.ClientUnaryCall;
  Evaluate(argument: _classifier_v1_EvaluateRequest, callback: grpc.requestCallback<_classifier_v1_EvaluateResponse__Output>): grpc.ClientUnaryCall;
  evaluate(argument: _classifier_v1_EvaluateRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_classifier_v1_EvaluateResponse__Output>): grpc.ClientUnaryCall;
  evaluate(argument: _classifier_v1_EvaluateRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_classifier_v1_EvaluateResponse__Output>): grpc.ClientUnaryCall;
  evaluate(argument: _classifier_v1_EvaluateRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_classifier_v1_EvaluateResponse__Output>): grpc.ClientUnaryCall;
  evaluate(argument: _classifier_v1_EvaluateRequest, callback: grpc.requestCallback<_classifier_v1_EvaluateResponse__Output>): grpc.ClientUnaryCall;
  
  EvaluateBatch(argument: _classifier_v1_EvaluateBatchRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_classifier_v1_EvaluateBatchResponse__Output>): grpc.ClientUnaryCall;
  EvaluateBatch(argument: _classifier_v1_EvaluateBatchRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_classifier_v1_EvaluateBatchResponse__Output>): grpc.ClientUnaryCall;
  EvaluateBatch(argument: _classifier_v1_EvaluateBatchRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_classifier_v1_EvaluateBatchResponse__Output>): grpc.ClientUnaryCall;
  EvaluateBatch(argument: _classifier_v1_EvaluateBatchRequest, callback: grpc.requestCallback<_classifier_v1_EvaluateBatchResponse__Output>): grpc.ClientUnaryCall;
  evaluateBatch(argument: _classifier_v1_EvaluateBatchRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_classifier_v1_EvaluateBatchResponse__Output>): grpc.ClientUnaryCall;
  evaluateBatch(argument: _classifier_v1_EvaluateBatchRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_classifier_v1_EvaluateBatchResponse__Output>): grpc.ClientUnaryCall;
  evaluateBatch(argument: _classifier_v1_EvaluateBatchRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_classifier_v1_EvaluateBatchResponse__Output>): grpc.ClientUnaryCall;
  evaluateBatch(argument: _classifier_v1_EvaluateBatchRequest, callback: grpc.requestCallback<_classifier_v1_EvaluateBatchResponse__Output>): grpc.ClientUnaryCall;
  
  Models(argument: _classifier_v1_ModelsRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_classifier_v1_ModelsResponse__Output>): grpc.ClientUnaryCall;
  Models(argument: _classifier_v1_ModelsRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_classifier_v1_ModelsResponse__Output>): grpc.ClientUnaryCall;
  Models(argument: _classifier_v1_ModelsRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_classifier_v1_ModelsResponse__Output>): grpc.ClientUnaryCall;
  Models(argument: _classifier_v1_ModelsRequest, callback: grpc.requestCallback<_classifier_v1_ModelsResponse__Output>): grpc.ClientUnaryCall;
  models(argument: _classifier_v1_ModelsRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_classifier_v1_ModelsResponse__Output>): grpc.ClientUnaryCall;
  models(argument: _classifier_v1_ModelsRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_classifier_v1_ModelsResponse__Output>): grpc.ClientUnaryCall;
  models(argument: _classifier_v1_ModelsRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_classifier_v1_ModelsResponse__Output>): grpc.ClientUnaryCall;
  models(argument: _classifier_v1_ModelsRequest, callback: grpc.requestCallback<_classifier_v1_ModelsResponse__Output>): grpc.ClientUnaryCall;
  
}

export interface ClassifierHandlers extends grpc.UntypedServiceImplementation {
  Evaluate: grpc.handleUnaryCall<_classifier_v1_EvaluateRequest__Output, _classifier_v1_EvaluateResponse>;
  
  EvaluateBatch: grpc.handleUnaryCall<_classifier_v1_EvaluateBatchRequest__Output, _classifier_v1_EvaluateBatchResponse>;
  
  Models: grpc.handleUnaryCall<_classifier_v1_ModelsRequest__Output, _classifier_v1_ModelsResponse>;
  
}

export interface ClassifierDefinition extends grpc.ServiceDefinition {
  Evaluate: MethodDefinition<_classifier_v1_EvaluateRequest, _classifier_v1_EvaluateResponse, _classifier_v1_EvaluateRequest__Output, _classifier_v1_EvaluateResponse__Output>
  EvaluateBatch: MethodDefinition<_classifier_v1_EvaluateBatchRequest, _classifier_v1_EvaluateBatchResponse, _classifier_v1_EvaluateBatchRequest__Output, _classifier_v1_EvaluateBatchResponse__Output>
  Models: MethodDefinition<_classifier_v1_ModelsRequest, _classifier_v1_ModelsResponse, _classifier_v1_ModelsRequest__Output, _classifier_v1_ModelsResponse__Output>
}
