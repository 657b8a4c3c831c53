/** RefusalReason says why an answer is not kept. The list is closed: it is the label of a metric. */
export type RefusalReason =
  /** The stream or the body stopped before the answer was over. */
  | "aborted"
  /** The model was out of tokens. */
  | "length"
  /** A filter took something away, or found something. */
  | "content_filter"
  /** A finish_reason that is none of the protocol's. */
  | "unknown_finish"
  /** Choices that ended in different ways. */
  | "mixed_finish"
  /** An error object, in the body or in the stream. */
  | "error"
  /** The model would not answer. */
  | "refusal"
  /** No text and no call of a tool. */
  | "empty"
  /** Audio has an identity and an expiry upstream. */
  | "audio"
  | "too_large"
  | "not_json"
  /** Neither JSON nor an event stream, or in an encoding that was not undone. */
  | "content_type"
  /** JSON of something else. */
  | "wrong_object"
  /** Says [DONE] before every choice has ended. */
  | "early_done"
  /** A piece of something that nobody here can put together. */
  | "unknown_delta"
  /** Against the protocol: half a tool call, two choices of one index, text that is none. */
  | "malformed";
