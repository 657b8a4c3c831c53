/** The signals that ask what a message wants, in a whole configuration: a decision routed by each, headers, metrics, a missing model. */
import { createMetrics, silentLogger, systemClock, type ChatMessage, type EmbeddedTier } from "@turnout/shared";
import { describe, expect, it } from "vitest";
import { parseConfig, routingSettingsOf } from "./config/index.ts";
import { createExchangeFactory } from "./routing/exchange.ts";
import { createRoutingSnapshot } from "./routing/snapshot.ts";
import { intentTier } from "./routing/testing/intent-tier.ts";
import { FACT_CHECK } from "./routing/signals/fact-check.ts";
import { MODALITY } from "./routing/signals/modality.ts";
import { USER_FEEDBACK } from "./routing/signals/user-feedback.ts";

const text = `
version: v0.3
providers: { defaults: { default_model: base }, models: [{ name: base }] }
routing:
  modelCards: [{ name: base, loras: [{ name: librarian }, { name: editor }, { name: painter }, { name: bard }] }]
  signals:
    fact_check: [{ name: needs_fact_check }, { name: no_fact_check_needed }]
    user_feedbacks: [{ name: satisfied }, { name: need_clarification }, { name: wrong_answer }, { name: want_different }]
    modality: [{ name: AR }, { name: DIFFUSION }, { name: BOTH }]
  decisions:
    - { name: mend, priority: 30, rules: { type: user_feedback, name: wrong_answer }, modelRefs: [{ model: base, lora_name: editor }] }
    - { name: paint, priority: 20, rules: { type: modality, name: DIFFUSION }, modelRefs: [{ model: base, lora_name: painter }] }
    - { name: look-up, priority: 10, rules: { type: fact_check, name: needs_fact_check }, modelRefs: [{ model: base, lora_name: librarian }] }
    - { name: make-up, priority: 5, rules: { type: fact_check, name: no_fact_check_needed }, modelRefs: [{ model: base, lora_name: bard }] }
`;
const opinions = {
  "when was the mill built": { needs_fact_check: 0.9, no_fact_check_needed: 0.1, AR: 1, none: 1 },
  "a rhyme on mills": { needs_fact_check: 0.1, no_fact_check_needed: 0.9, AR: 1, none: 1 },
  "a mill at dusk, oils": { needs_fact_check: 0.1, no_fact_check_needed: 0.9, DIFFUSION: 1, none: 1 },
  "no, the mill burnt down": { needs_fact_check: 0.6, no_fact_check_needed: 0.4, AR: 1, wrong_answer: 0.8, none: 0.2 },
};
const tier = intentTier([FACT_CHECK, USER_FEEDBACK, MODALITY], opinions);
const message = (role: ChatMessage["role"], content: string) => ({ role, content });
const answered = (content: string) => [message("user", "tell me"), message("assistant", "It stands."), message("user", content)];

async function route(messages: readonly object[], embedded: EmbeddedTier = tier) {
  const { document } = parseConfig(text, { file: "mill.yaml", env: {} });
  const snapshot = createRoutingSnapshot({
    config: document.routing,
    providers: document.providers,
    settings: routingSettingsOf(document),
    embedder: { embed: () => Promise.reject(new Error("nothing here asks the encoder")) },
    embedded,
    clock: systemClock,
  });
  const metrics = createMetrics();
  const exchange = createExchangeFactory({ current: () => snapshot, logger: silentLogger, metrics, clock: systemClock }).open();
  exchange.onRequestHead({ method: "POST", path: "/v1/chat/completions", headers: [["x-vsr-debug", "true"]], endOfStream: false });
  await exchange.onRequestBody(Buffer.from(JSON.stringify({ model: "auto", messages })), {});
  const headers = new Map(exchange.onResponseHead({ status: 200, headers: [] }).set);
  return { headers, written: await metrics.registry.metrics() };
}

describe("decisions on what a message wants", () => {
  it.each<[content: string, decision: string, matched: Readonly<Record<string, string | undefined>>]>([
    ["when was the mill built", "look-up", { "fact-check": "needs_fact_check", modality: "AR", "user-feedback": undefined }],
    ["a rhyme on mills", "make-up", { "fact-check": "no_fact_check_needed", modality: "AR", "user-feedback": undefined }],
    ["a mill at dusk, oils", "paint", { "fact-check": "no_fact_check_needed", modality: "DIFFUSION", "user-feedback": undefined }],
    ["no, the mill burnt down", "mend", { "fact-check": "needs_fact_check", modality: "AR", "user-feedback": "wrong_answer" }],
  ])("route %j by %s", async (content, decision, matched) => {
    const { headers, written } = await route(answered(content));
    expect(headers.get("x-vsr-selected-decision")).toBe(decision);
    for (const [signal, rule] of Object.entries(matched)) expect(headers.get(`x-vsr-matched-${signal}`)).toBe(rule);
    expect(written).toContain(`llm_signal_match_total{signal_type="fact_check",signal_name="${matched["fact-check"] ?? ""}"} 1`);
  });

  it("hear no feedback in a first message", async () => {
    const { headers } = await route([message("user", "no, the mill burnt down")]);
    expect(headers.get("x-vsr-selected-decision")).toBe("look-up");
    expect(headers.get("x-vsr-matched-user-feedback")).toBeUndefined();
  });

  it("do not hold, and say so, where the model has no such heads", async () => {
    const { headers, written } = await route(answered("when was the mill built"), intentTier([], {}));
    expect(headers.get("x-vsr-selected-decision")).toBeUndefined();
    expect(headers.get("x-vsr-response-warnings")).toBe("signal_failed");
    for (const type of ["fact_check", "user_feedback", "modality"])
      expect(written).toContain(`turnout_signal_errors_total{signal_type="${type}",code="model_unsupported"} 1`);
  });
});
