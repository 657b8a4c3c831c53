// Original file: proto/classifier/v1/classifier.proto


// Original file: proto/classifier/v1/classifier.proto

export const _classifier_v1_Window_Sampling = {
  HEAD: 'HEAD',
  HEAD_MIDDLE_TAIL: 'HEAD_MIDDLE_TAIL',
} as const;

export type _classifier_v1_Window_Sampling =
  | 'HEAD'
  | 0
  | 'HEAD_MIDDLE_TAIL'
  | 1

export type _classifier_v1_Window_Sampling__Output = typeof _classifier_v1_Window_Sampling[keyof typeof _classifier_v1_Window_Sampling]

export interface Window {
  'maxTokens'?: (number);
  'sampling'?: (_classifier_v1_Window_Sampling);
}

export interface Window__Output {
  'maxTokens'?: (number);
  'sampling'?: (_classifier_v1_Window_Sampling__Output);
}
