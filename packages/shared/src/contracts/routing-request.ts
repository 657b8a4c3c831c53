/** MessageRole as in the OpenAI chat API. */
export type MessageRole = "system" | "developer" | "user" | "assistant" | "tool" | "function";

/** ChatMessage is one message of a request, its text parts joined by a newline; other parts (images, audio) are only counted. */
export interface ChatMessage {
  readonly role: MessageRole;
  readonly text: string;
  readonly imageParts: number;
}

/** RoutingRequest is what signals, decisions and plugins may see of a request. It is frozen, and made once per request. */
export interface RoutingRequest {
  readonly requestId: string;
  readonly method: string;
  readonly path: string;
  /** Lower-case names; several values of one name are joined with ", ". */
  readonly headers: ReadonlyMap<string, string>;
  /** `model` as the client sent it. */
  readonly model: string;
  /** True when the client asked for a streamed answer. */
  readonly stream: boolean;
  readonly messages: readonly ChatMessage[];
  /** Text of the last user message, "" when there is none: what signals read by default. */
  readonly userText: string;
  /** UTF-8 bytes of all message texts together: what the context signal estimates tokens from. */
  readonly textBytes: number;
}
