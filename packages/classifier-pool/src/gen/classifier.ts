import type * as grpc from '@grpc/grpc-js';
import type { MessageTypeDefinition } from '@grpc/proto-loader';

import type { ClassifierClient as _classifier_v1_ClassifierClient, ClassifierDefinition as _classifier_v1_ClassifierDefinition } from './classifier/v1/Classifier.ts';
import type { Embedding as _classifier_v1_Embedding, Embedding__Output as _classifier_v1_Embedding__Output } from './classifier/v1/Embedding.ts';
import type { Entity as _classifier_v1_Entity, Entity__Output as _classifier_v1_Entity__Output } from './classifier/v1/Entity.ts';
import type { EvaluateBatchRequest as _classifier_v1_EvaluateBatchRequest, EvaluateBatchRequest__Output as _classifier_v1_EvaluateBatchRequest__Output } from './classifier/v1/EvaluateBatchRequest.ts';
import type { EvaluateBatchResponse as _classifier_v1_EvaluateBatchResponse, EvaluateBatchResponse__Output as _classifier_v1_EvaluateBatchResponse__Output } from './classifier/v1/EvaluateBatchResponse.ts';
import type { EvaluateRequest as _classifier_v1_EvaluateRequest, EvaluateRequest__Output as _classifier_v1_EvaluateRequest__Output } from './classifier/v1/EvaluateRequest.ts';
import type { EvaluateResponse as _classifier_v1_EvaluateResponse, EvaluateResponse__Output as _classifier_v1_EvaluateResponse__Output } from './classifier/v1/EvaluateResponse.ts';
import type { Failure as _classifier_v1_Failure, Failure__Output as _classifier_v1_Failure__Output } from './classifier/v1/Failure.ts';
import type { Head as _classifier_v1_Head, Head__Output as _classifier_v1_Head__Output } from './classifier/v1/Head.ts';
import type { HeadLogits as _classifier_v1_HeadLogits, HeadLogits__Output as _classifier_v1_HeadLogits__Output } from './classifier/v1/HeadLogits.ts';
import type { Item as _classifier_v1_Item, Item__Output as _classifier_v1_Item__Output } from './classifier/v1/Item.ts';
import type { Model as _classifier_v1_Model, Model__Output as _classifier_v1_Model__Output } from './classifier/v1/Model.ts';
import type { ModelsRequest as _classifier_v1_ModelsRequest, ModelsRequest__Output as _classifier_v1_ModelsRequest__Output } from './classifier/v1/ModelsRequest.ts';
import type { ModelsResponse as _classifier_v1_ModelsResponse, ModelsResponse__Output as _classifier_v1_ModelsResponse__Output } from './classifier/v1/ModelsResponse.ts';
import type { Outcome as _classifier_v1_Outcome, Outcome__Output as _classifier_v1_Outcome__Output } from './classifier/v1/Outcome.ts';
import type { Replica as _classifier_v1_Replica, Replica__Output as _classifier_v1_Replica__Output } from './classifier/v1/Replica.ts';
import type { Scan as _classifier_v1_Scan, Scan__Output as _classifier_v1_Scan__Output } from './classifier/v1/Scan.ts';
import type { Submission as _classifier_v1_Submission, Submission__Output as _classifier_v1_Submission__Output } from './classifier/v1/Submission.ts';
import type { SubmissionOutcome as _classifier_v1_SubmissionOutcome, SubmissionOutcome__Output as _classifier_v1_SubmissionOutcome__Output } from './classifier/v1/SubmissionOutcome.ts';
import type { Timings as _classifier_v1_Timings, Timings__Output as _classifier_v1_Timings__Output } from './classifier/v1/Timings.ts';
import type { TraceContext as _classifier_v1_TraceContext, TraceContext__Output as _classifier_v1_TraceContext__Output } from './classifier/v1/TraceContext.ts';
import type { Window as _classifier_v1_Window, Window__Output as _classifier_v1_Window__Output } from './classifier/v1/Window.ts';

type SubtypeConstructor<Constructor extends new (...args: any) => any, Subtype> = {
  new(...args: ConstructorParameters<Constructor>): Subtype;
};

export interface ProtoGrpcType {
  classifier: {
    v1: {
      Classifier: SubtypeConstructor<typeof grpc.Client, _classifier_v1_ClassifierClient> & { service: _classifier_v1_ClassifierDefinition }
      Embedding: MessageTypeDefinition<_classifier_v1_Embedding, _classifier_v1_Embedding__Output>
      Entity: MessageTypeDefinition<_classifier_v1_Entity, _classifier_v1_Entity__Output>
      EvaluateBatchRequest: MessageTypeDefinition<_classifier_v1_EvaluateBatchRequest, _classifier_v1_EvaluateBatchRequest__Output>
      EvaluateBatchResponse: MessageTypeDefinition<_classifier_v1_EvaluateBatchResponse, _classifier_v1_EvaluateBatchResponse__Output>
      EvaluateRequest: MessageTypeDefinition<_classifier_v1_EvaluateRequest, _classifier_v1_EvaluateRequest__Output>
      EvaluateResponse: MessageTypeDefinition<_classifier_v1_EvaluateResponse, _classifier_v1_EvaluateResponse__Output>
      Failure: MessageTypeDefinition<_classifier_v1_Failure, _classifier_v1_Failure__Output>
      Head: MessageTypeDefinition<_classifier_v1_Head, _classifier_v1_Head__Output>
      HeadLogits: MessageTypeDefinition<_classifier_v1_HeadLogits, _classifier_v1_HeadLogits__Output>
      Item: MessageTypeDefinition<_classifier_v1_Item, _classifier_v1_Item__Output>
      Model: MessageTypeDefinition<_classifier_v1_Model, _classifier_v1_Model__Output>
      ModelsRequest: MessageTypeDefinition<_classifier_v1_ModelsRequest, _classifier_v1_ModelsRequest__Output>
      ModelsResponse: MessageTypeDefinition<_classifier_v1_ModelsResponse, _classifier_v1_ModelsResponse__Output>
      Outcome: MessageTypeDefinition<_classifier_v1_Outcome, _classifier_v1_Outcome__Output>
      Replica: MessageTypeDefinition<_classifier_v1_Replica, _classifier_v1_Replica__Output>
      Scan: MessageTypeDefinition<_classifier_v1_Scan, _classifier_v1_Scan__Output>
      Submission: MessageTypeDefinition<_classifier_v1_Submission, _classifier_v1_Submission__Output>
      SubmissionOutcome: MessageTypeDefinition<_classifier_v1_SubmissionOutcome, _classifier_v1_SubmissionOutcome__Output>
      Timings: MessageTypeDefinition<_classifier_v1_Timings, _classifier_v1_Timings__Output>
      TraceContext: MessageTypeDefinition<_classifier_v1_TraceContext, _classifier_v1_TraceContext__Output>
      Window: MessageTypeDefinition<_classifier_v1_Window, _classifier_v1_Window__Output>
    }
  }
}

