import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isRecord, parseBody, textOf, type Endpoint, type ParsedBody } from "./chat-request.ts";
import type { ReasoningSwitch } from "./models.ts";
import { editBody, type BodyEdits, type SystemPrompt } from "./mutation.ts";

function parse(text: string, endpoint: Endpoint = "chat"): ParsedBody {
  const body = parseBody(Buffer.from(text), endpoint);
  if (typeof body === "string") throw new TypeError(body);
  return body;
}

function edit(text: string, edits: Partial<BodyEdits>, endpoint: Endpoint = "chat"): string {
  const body = parse(text, endpoint);
  const changed = editBody(body, { model: body.model, systemPrompts: [], reasoning: null, ...edits });
  return changed === null ? "(unchanged)" : Buffer.from(changed).toString("utf8");
}

const insert = (text: string): SystemPrompt => ({ kind: "setSystemPrompt", mode: "insert", text });
const replace = (text: string): SystemPrompt => ({ kind: "setSystemPrompt", mode: "replace", text });

describe("editBody: model", () => {
  it.each([
    ['{"model":"auto"}', '{"model":"m"}'],
    ['{ "seed" : 9007199254740993, "model" :\t"auto" , "x":1.0e2 }', '{ "seed" : 9007199254740993, "model" :\t"m" , "x":1.0e2 }'],
    ['{"model":"first","a":{"model":"nested"},"model":"auto"}', '{"model":"first","a":{"model":"nested"},"model":"m"}'],
    [String.raw`{"mod\u0065l":"auto","u":"\u00e9\/"}`, String.raw`{"mod\u0065l":"m","u":"\u00e9\/"}`],
    ['\uFEFF{"model":"auto"}', '\uFEFF{"model":"m"}'],
    [
      '{"messages":[{"content":"\\"model\\":\\"auto\\" } ]"}],"model":"auto"}\n',
      '{"messages":[{"content":"\\"model\\":\\"auto\\" } ]"}],"model":"m"}\n',
    ],
    ["{}", '{"model":"m"}'],
    ['{"a":1}', '{"a":1,"model":"m"}'],
    ['{"a":"\u{1F331}水","model":"auto"}', '{"a":"\u{1F331}水","model":"m"}'],
    ['{"model":"m"}', "(unchanged)"],
  ])("%s", (before, after) => {
    expect(edit(before, { model: "m" })).toBe(after);
  });

  it("escapes the name", () => {
    expect(edit('{"model":"auto"}', { model: 'a"b' })).toBe('{"model":"a\\"b"}');
  });
});

describe("editBody: system prompt", () => {
  it.each<[string, SystemPrompt[], string, string]>([
    [
      "prepends to a conversation without one",
      [insert("S")],
      '{"messages":[ {"role":"user"}]}',
      '{"messages":[{"role":"system","content":"S"}, {"role":"user"}]}',
    ],
    ["prepends to an empty conversation", [replace("S")], '{"messages":[]}', '{"messages":[{"role":"system","content":"S"}]}'],
    [
      "inserts before the existing text",
      [insert("S")],
      '{"messages":[{"role":"system","content":"old\\n"}]}',
      '{"messages":[{"role":"system","content":"S\\n\\nold\\n"}]}',
    ],
    [
      "replaces the existing text",
      [replace("S")],
      '{"messages":[{"content":"old","name":"n","role":"system"}]}',
      '{"messages":[{"content":"S","name":"n","role":"system"}]}',
    ],
    [
      "flattens content in parts",
      [insert("S")],
      '{"messages":[{"role":"system","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]}]}',
      '{"messages":[{"role":"system","content":"S\\n\\na\\nb"}]}',
    ],
    [
      "adds content where there is none",
      [insert("S")],
      '{"messages":[{"role":"system"}]}',
      '{"messages":[{"role":"system","content":"S"}]}',
    ],
    [
      "takes null content for none",
      [insert("S")],
      '{"messages":[{"role":"system","content":null}]}',
      '{"messages":[{"role":"system","content":"S"}]}',
    ],
    [
      "changes the content that counts of several",
      [replace("S")],
      '{"messages":[{"role":"system","content":"1","content":"2"}]}',
      '{"messages":[{"role":"system","content":"1","content":"S"}]}',
    ],
    [
      "looks at the first message only",
      [replace("S")],
      '{"messages":[{"role":"user"},{"role":"system","content":"x"}]}',
      '{"messages":[{"role":"system","content":"S"},{"role":"user"},{"role":"system","content":"x"}]}',
    ],
    [
      "changes the last of several messages members",
      [replace("S")],
      '{"messages":[1],"messages":[]}',
      '{"messages":[1],"messages":[{"role":"system","content":"S"}]}',
    ],
    [
      "applies several in their order",
      [insert("1"), insert("2")],
      '{"messages":[]}',
      '{"messages":[{"role":"system","content":"2\\n\\n1"}]}',
    ],
    ["leaves odd messages alone", [insert("S")], '{"messages":"hello"}', "(unchanged)"],
  ])("%s", (_, systemPrompts, before, after) => {
    expect(edit(before, { systemPrompts })).toBe(after);
  });

  it("leaves completions alone: they have no messages", () => {
    expect(edit('{"prompt":"x","messages":[]}', { systemPrompts: [insert("S")] }, "completions")).toBe("(unchanged)");
  });
});

describe("editBody: reasoning", () => {
  const kwargs: ReasoningSwitch = {
    family: { type: "chat_template_kwargs", parameter: "thinking" },
    enabled: true,
    effort: "high",
    dialect: "vllm",
  };
  const effort: ReasoningSwitch = { ...kwargs, family: { type: "reasoning_effort", parameter: "reasoning_effort" } };
  const top: ReasoningSwitch = { ...kwargs, family: { type: "top_level_reasoning_effort", parameter: "reasoning_effort" } };

  it.each<[string, ReasoningSwitch, string, string]>([
    ["switches on", kwargs, '{"a":1}', '{"a":1,"chat_template_kwargs":{"thinking":true}}'],
    ["switches off explicitly", { ...kwargs, enabled: false }, '{"a":1}', '{"a":1,"chat_template_kwargs":{"thinking":false}}'],
    [
      "keeps the client's other arguments",
      kwargs,
      '{"chat_template_kwargs":{ "x" : 1e3 }}',
      '{"chat_template_kwargs":{ "x" : 1e3,"thinking":true }}',
    ],
    [
      "overrides the client's own",
      kwargs,
      '{"chat_template_kwargs":{"thinking":false,"x":[]}}',
      '{"chat_template_kwargs":{"thinking":true,"x":[]}}',
    ],
    ["replaces arguments that are none", kwargs, '{"chat_template_kwargs":null,"b":2}', '{"chat_template_kwargs":{"thinking":true},"b":2}'],
    ["changes nothing that is so already", kwargs, '{"chat_template_kwargs":{"thinking":true}}', "(unchanged)"],
    [
      "leaves the client's effort to a family of another kind",
      kwargs,
      '{"reasoning_effort":"low"}',
      '{"reasoning_effort":"low","chat_template_kwargs":{"thinking":true}}',
    ],
    [
      "moves the effort into template arguments for vLLM",
      effort,
      '{"reasoning_effort":"low","b":2}',
      '{"b":2,"chat_template_kwargs":{"reasoning_effort":"high"}}',
    ],
    [
      "removes every effort of the client",
      effort,
      '{"reasoning_effort":1,"b":2,"reasoning_effort":2}',
      '{"b":2,"chat_template_kwargs":{"reasoning_effort":"high"}}',
    ],
    ["removes the only member and adds another", effort, '{"reasoning_effort":1}', '{"chat_template_kwargs":{"reasoning_effort":"high"}}'],
    [
      "sets the effort at the top for OpenAI's dialect",
      { ...effort, dialect: "openai" },
      '{"reasoning_effort":"low"}',
      '{"reasoning_effort":"high"}',
    ],
    ["sets the effort at the top for that family", top, '{"b":2}', '{"b":2,"reasoning_effort":"high"}'],
    [
      "leaves the client's effort where the decision does not reason",
      { ...effort, enabled: false },
      '{"reasoning_effort":"low"}',
      "(unchanged)",
    ],
  ])("%s", (_, reasoning, before, after) => {
    expect(edit(before, { reasoning })).toBe(after);
  });

  it("removes a hundred thousand repeated members as fast as one", { timeout: 2_000 }, () => {
    const repeated = '"reasoning_effort":1,'.repeat(100_000);
    const reasoning: ReasoningSwitch = { ...kwargs, family: { type: "reasoning_effort", parameter: "reasoning_effort" } };
    expect(edit(`{"a":0,${repeated}"b":2}`, { reasoning })).toBe('{"a":0,"b":2,"chat_template_kwargs":{"reasoning_effort":"high"}}');
  });

  it("leaves completions alone: they have no chat template", () => {
    expect(edit('{"prompt":"x"}', { reasoning: kwargs }, "completions")).toBe("(unchanged)");
  });
});

describe("editBody on random bodies", () => {
  const whitespace = fc.constantFrom("", " ", "\n", "\t ", " \r\n ");
  const key = fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom("model", "messages", "reasoning_effort", "chat_template_kwargs", "seed", "stream") },
    fc.string({ unit: "grapheme", maxLength: 6 }),
  );
  const message = fc.record(
    {
      role: fc.constantFrom("system", "user"),
      content: fc.oneof(fc.string({ unit: "binary" }), fc.constant([{ type: "text", text: "part" }]), fc.constant(null)),
    },
    { requiredKeys: ["role"] },
  );
  const value = (name: string): fc.Arbitrary<string> => {
    if (name === "messages") return fc.array(message, { maxLength: 3 }).map((messages) => JSON.stringify(messages));
    if (name === "chat_template_kwargs") return fc.constantFrom("{}", "null", '{"thinking":false}', '{ "a" : 12345678901234567890 }');
    return fc.oneof(fc.json({ maxDepth: 2 }), fc.constantFrom("9007199254740993", "1.50", "-0.0", String.raw`"\ud83c\udf31\/\u0041"`));
  };
  const member = key.chain((name) =>
    fc
      .tuple(fc.constant(JSON.stringify(name)), value(name), whitespace, whitespace)
      .map(([k, v, w1, w2]) => `${w1}${k}${w2}:${w1}${v}${w2}`),
  );
  const body = fc
    .tuple(fc.array(member, { maxLength: 7 }), whitespace, fc.constantFrom("", "\uFEFF"))
    .map(([members, space, bom]) => `${bom}${space}{${members.join(",")}${members.length === 0 ? space : ""}}${space}`);
  const reasoning = fc.option(
    fc.record({
      family: fc.record({
        type: fc.constantFrom("chat_template_kwargs", "reasoning_effort", "top_level_reasoning_effort"),
        parameter: fc.constantFrom("thinking", "reasoning_effort"),
      }),
      enabled: fc.boolean(),
      effort: fc.constant("high"),
      dialect: fc.constantFrom("openai", "vllm"),
    }) satisfies fc.Arbitrary<ReasoningSwitch>,
  );
  const systemPrompts = fc.array(
    fc.record({
      kind: fc.constant("setSystemPrompt" as const),
      text: fc.string({ minLength: 1 }),
      mode: fc.constantFrom("insert" as const, "replace" as const),
    }),
    { maxLength: 2 },
  );

  it("means exactly the edit", () => {
    fc.assert(
      fc.property(body, reasoning, systemPrompts, (text, reasoning, systemPrompts) => {
        const parsed = parse(text);
        const edits = { model: "base/model", systemPrompts, reasoning };
        const changed = editBody(parsed, edits);
        const result: unknown = JSON.parse((changed === null ? text : Buffer.from(changed).toString("utf8")).replace(/^\uFEFF/, ""));
        expect(result).toEqual(meaning(parsed.value, edits));
      }),
      { seed: 5, numRuns: 2_000 },
    );
  });

  it("keeps every byte outside the model's value", () => {
    fc.assert(
      fc.property(body, (text) => {
        const parsed = parse(text);
        const member = parsed.members.findLast(({ name }) => name === "model");
        fc.pre(member !== undefined);
        const { start, end } = member?.value ?? { start: 0, end: 0 };
        const changed = editBody(parsed, { model: "x", systemPrompts: [], reasoning: null }) ?? Buffer.from(text);
        expect(Buffer.from(changed).equals(Buffer.from(`${text.slice(0, start)}"x"${text.slice(end)}`))).toBe(parsed.model !== "x");
      }),
      { seed: 6, numRuns: 500 },
    );
  });
});

/** meaning is the edit done on values, without a thought for bytes. */
function meaning(value: Readonly<Record<string, unknown>>, { model, systemPrompts, reasoning }: BodyEdits): unknown {
  const result: Record<string, unknown> = { ...value, model };
  const messages = result["messages"];
  if (systemPrompts.length > 0 && Array.isArray(messages)) {
    const [first, ...others] = messages as readonly unknown[];
    const isSystem = isRecord(first) && first["role"] === "system";
    let content = isSystem ? textOf(first["content"]) : "";
    for (const { text, mode } of systemPrompts) content = mode === "replace" || content === "" ? text : `${text}\n\n${content}`;
    result["messages"] = isSystem ? [{ ...first, content }, ...others] : [{ role: "system", content }, ...messages];
  }
  if (reasoning === null) return result;
  const { family, enabled, effort, dialect } = reasoning;
  const template = (setting: unknown) => {
    const existing = result["chat_template_kwargs"];
    result["chat_template_kwargs"] = { ...(isRecord(existing) ? existing : {}), [family.parameter]: setting };
  };
  if (family.type === "chat_template_kwargs") template(enabled);
  else if (enabled) {
    delete result["reasoning_effort"];
    if (family.type === "top_level_reasoning_effort" || dialect === "openai") result[family.parameter] = effort;
    else template(effort);
  }
  return result;
}
