/**
 * Changes a request's body in a few places and nowhere else: model, system prompt, reasoning. Numbers beyond 53 bits, key order,
 * repeated keys, escapes and whitespace survive, because the rest of the text is copied and never written anew. Pure.
 */
import type { Effect } from "@turnout/shared";
import { isRecord, textOf, type ParsedBody } from "./chat-request.ts";
import { firstElement, objectMembers, type Member } from "./json-spans.ts";
import type { ReasoningSwitch } from "./models.ts";

/** SystemPrompt is the effect of that name. */
export type SystemPrompt = Extract<Effect, { kind: "setSystemPrompt" }>;

/** BodyEdits is what shall be different. */
export interface BodyEdits {
  readonly model: string;
  /** Applied one after the other. */
  readonly systemPrompts: readonly SystemPrompt[];
  readonly reasoning: ReasoningSwitch | null;
}

interface Splice {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** editBody gives the new body, or null when it would be the same. */
export function editBody(body: ParsedBody, edits: BodyEdits): Uint8Array | null {
  const splices = [...systemPromptSplices(body, edits.systemPrompts), ...memberSplices(body, topLevelChanges(body, edits))];
  if (splices.length === 0) return null;
  const pieces: string[] = [];
  let copied = 0;
  for (const { start, end, text } of splices.sort(byPosition)) {
    pieces.push(body.text.slice(copied, start), text);
    copied = end;
  }
  pieces.push(body.text.slice(copied));
  const changed = pieces.join("");
  return changed === body.text ? null : Buffer.from(changed);
}

/** byPosition puts an insertion before a removal that begins at the same place. */
const byPosition = (a: Splice, b: Splice) => a.start - b.start || a.end - b.end;

/** TopLevelChanges maps a member's name to its new JSON text, or to null: remove it. */
type TopLevelChanges = ReadonlyMap<string, string | null>;

function topLevelChanges({ endpoint, model, value, text, members }: ParsedBody, edits: BodyEdits): TopLevelChanges {
  const changes = new Map<string, string | null>();
  if (edits.model !== model) changes.set("model", JSON.stringify(edits.model));
  const { reasoning } = edits;
  if (reasoning === null || endpoint !== "chat") return changes; // completions have no chat template
  const { family, enabled, effort, dialect } = reasoning;
  const template = (parameter: string, setting: unknown) => {
    if (isRecord(value["chat_template_kwargs"]) && value["chat_template_kwargs"][parameter] === setting) return;
    changes.set(
      "chat_template_kwargs",
      withTemplateArgument(text, members, value["chat_template_kwargs"], parameter, JSON.stringify(setting)),
    );
  };
  if (family.type === "chat_template_kwargs") {
    template(family.parameter, enabled);
  } else if (enabled) {
    // The client's own effort must not contradict the decision's, wherever the family reads it.
    if (Object.hasOwn(value, "reasoning_effort")) changes.set("reasoning_effort", null);
    const topLevel = family.type === "top_level_reasoning_effort" || dialect === "openai";
    if (topLevel) changes.set(family.parameter, JSON.stringify(effort));
    else template(family.parameter, effort);
  }
  return changes;
}

/** withTemplateArgument is `chat_template_kwargs` with one argument set, the others as the client wrote them. */
function withTemplateArgument(text: string, members: readonly Member[], existing: unknown, parameter: string, setting: string): string {
  const member = last(members, "chat_template_kwargs");
  if (member === undefined || !isRecord(existing)) return `{${JSON.stringify(parameter)}:${setting}}`;
  const source = text.slice(member.value.start, member.value.end);
  const splices = objectSplices(objectMembers(source, 0), 1, new Map([[parameter, setting]]));
  return splices.reduceRight((result, { start, end, text }) => result.slice(0, start) + text + result.slice(end), source);
}

function memberSplices({ text, members }: ParsedBody, changes: TopLevelChanges): readonly Splice[] {
  return changes.size === 0 ? [] : objectSplices(members, text.indexOf("{") + 1, changes);
}

/**
 * objectSplices changes members of one object. A set value replaces the last member of that name, which is the one that counts, or
 * is added behind all others; a removal takes every member of that name, lest an earlier one come to count.
 */
function objectSplices(members: readonly Member[], inside: number, changes: TopLevelChanges): readonly Splice[] {
  const removed = (member: Member) => changes.get(member.name) === null;
  const splices: Splice[] = [];
  let anyKept = false;
  members.forEach((member, index) => {
    if (!removed(member)) {
      anyKept = true;
      return;
    }
    // A run of removed members at the front takes the comma behind it, any other the comma before it.
    const next = members[index + 1];
    if (!anyKept) splices.push({ start: member.span.start, end: next?.span.start ?? member.span.end, text: "" });
    else splices.push({ start: members[index - 1]?.span.end ?? member.span.start, end: member.span.end, text: "" });
  });
  const kept = members.filter((member) => !removed(member));
  const added: string[] = [];
  for (const [name, value] of changes) {
    if (value === null) continue;
    const present = last(members, name);
    if (present === undefined) added.push(`${JSON.stringify(name)}:${value}`);
    else splices.push({ ...present.value, text: value });
  }
  if (added.length > 0) {
    const end = kept.at(-1)?.span.end ?? members.at(-1)?.span.end ?? inside;
    splices.push({ start: end, end, text: (kept.length > 0 ? "," : "") + added.join(",") });
  }
  return splices.sort(byPosition);
}

const last = (members: readonly Member[], name: string) => members.findLast((member) => member.name === name);

/**
 * systemPromptSplices edits messages[0] when it is a system message, and prepends one otherwise. vSR's rules: `insert` puts ours
 * before the existing text, `replace` takes its place, content in parts becomes one string. Requests without a list of messages
 * (completions, odd bodies) are left alone.
 */
function systemPromptSplices(body: ParsedBody, prompts: readonly SystemPrompt[]): readonly Splice[] {
  const messages = body.value["messages"];
  const member = last(body.members, "messages");
  if (prompts.length === 0 || body.endpoint !== "chat" || !Array.isArray(messages) || member === undefined) return [];
  const first: unknown = messages[0];
  const existing = isRecord(first) && first["role"] === "system" ? textOf(first["content"]) : null;
  const content = JSON.stringify(prompts.reduce((text, prompt) => apply(prompt, text), existing ?? ""));
  const inside = member.value.start + 1;
  if (existing === null)
    return [{ start: inside, end: inside, text: `{"role":"system","content":${content}}${messages.length > 0 ? "," : ""}` }];
  const element = firstElement(body.text, member.value.start);
  if (element === null) return [];
  return objectSplices(objectMembers(body.text, element.start), element.start + 1, new Map([["content", content]]));
}

function apply({ text, mode }: SystemPrompt, existing: string): string {
  return mode === "replace" || existing === "" ? text : `${text}\n\n${existing}`;
}
