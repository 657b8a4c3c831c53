/**
 * A stored completion as the body of a response, in one piece or as server-sent events, whichever way it came in. Pure; called by the
 * session for a hit.
 */
import { choiceChunks, toldLogprobs } from "./choice-chunks.ts";
import type { StoredChoice, StoredCompletion } from "./completion.ts";
import type { Protocol } from "../identity/index.ts";

export interface RenderIdentity {
  /** Whole, as it is to be told: "chatcmpl-…". */
  readonly id: string;
  /** Unix seconds. */
  readonly created: number;
  /** Name of the model to tell the client. */
  readonly model: string;
  /** Must be the one that the completion was accumulated with; the request's hash sees to that. */
  readonly protocol: Protocol;
}

export interface StreamIdentity extends RenderIdentity {
  /** `stream_options.include_usage`: a last chunk tells the usage, if the upstream counted it. */
  readonly includeUsage: boolean;
}

export function renderJson({ choices, usage, members }: StoredCompletion, { id, created, model, protocol }: RenderIdentity): string {
  return JSON.stringify({
    ...members,
    id,
    object: protocol === "chat" ? "chat.completion" : "text_completion",
    created,
    model,
    choices: choices.map((choice) => wholeChoice(choice, protocol)),
    ...(usage === null ? {} : { usage }),
  });
}

/** renderEventStream gives one choice after another. Members of the whole are in the first chunk, except for those in every chunk. */
export function renderEventStream(completion: StoredCompletion, identity: StreamIdentity): string {
  const { id, created, model, protocol, includeUsage } = identity;
  const { choices, usage, members } = completion;
  const repeated = Object.fromEntries(Object.entries(members).filter(([name, value]) => IN_EVERY_CHUNK.has(name) && isShort(value)));
  const head = { id, object: protocol === "chat" ? "chat.completion.chunk" : "text_completion", created, model };
  let stream = "";
  const send = (chunks: readonly object[], counted: object) => {
    stream += `data: ${JSON.stringify({ ...(stream === "" ? members : repeated), ...head, choices: chunks, ...counted })}\n\n`;
  };
  const uncounted = includeUsage ? { usage: null } : {};
  for (const choice of choices) for (const chunk of choiceChunks(choice, protocol)) send([chunk], uncounted);
  if (includeUsage && usage !== null) send([], { usage });
  return `${stream}data: [DONE]\n\n`;
}

const IN_EVERY_CHUNK: ReadonlySet<string> = new Set(["system_fingerprint", "service_tier"]);
/** Those seen have some ten characters. A long one in every chunk would make a stream of many times what is stored. */
const MAX_REPEATED = 256;

const isShort = (value: unknown) => typeof value === "string" && value.length <= MAX_REPEATED;

function wholeChoice({ index, message, logprobs, finish_reason, members }: StoredChoice, protocol: Protocol): object {
  const said = protocol === "chat" ? { message: { refusal: null, ...message } } : { text: message.content ?? "" };
  return { ...members, index, ...said, logprobs: toldLogprobs(logprobs, protocol), finish_reason };
}
