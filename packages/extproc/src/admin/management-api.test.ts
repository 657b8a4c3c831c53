import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startKitchen, type Kitchen } from "../testing/kitchen.ts";

let kitchen: Kitchen;
beforeAll(async () => {
  kitchen = await startKitchen();
  await kitchen.turnout.ready();
});
afterAll(() => kitchen.close());

async function call(method: string, path: string, body?: unknown): Promise<{ status: number; json: Record<string, unknown> }> {
  const init =
    body === undefined
      ? { method }
      : { method, headers: { "content-type": "application/json" }, body: typeof body === "string" ? body : JSON.stringify(body) };
  const response = await fetch(`http://${kitchen.address("management API")}${path}`, init);
  return { status: response.status, json: (await response.json()) as Record<string, unknown> };
}

describe("management API", () => {
  it("tells health, readiness and models", async () => {
    expect(await call("GET", "/health")).toEqual({ status: 200, json: { status: "healthy", service: "turnout" } });
    expect(await call("GET", "/ready")).toMatchObject({ status: 200, json: { ready: true, encoder: { state: "ready" } } });
    expect(await call("GET", "/v1/models")).toMatchObject({
      status: 200,
      json: { object: "list", data: [{ id: "vllm-sr/auto" }, { id: "auto" }, { id: "MoM" }] },
    });
  });

  it("evaluates a text with the whole trace, in vSR's shape", async () => {
    const { status, json } = await call("POST", "/api/v1/eval", { text: "is the oven hot" });
    expect(status).toBe(200);
    expect(json).toMatchObject({
      original_text: "is the oven hot",
      recipe: "default",
      decision_result: { decision_name: "oven", confidence: 1, matched_signals: { keyword: ["oven"] } },
      recommended_models: ["oven-expert"],
      selected_model: "oven-expert",
      selection_method: "static",
      routing_decision: "oven",
      signal_confidences: { "keyword:oven": 1 },
      signal_errors: {},
    });
    expect(json["eval_trace"]).toMatchObject([{ decision: "oven", matched: true }, { decision: "pans" }]);
    expect(Object.keys(json["signal_values"] as object)).toContain("domain:pans");
  });

  it("classifies the last user message of a conversation", async () => {
    const messages = [
      { role: "user", content: "oven" },
      { role: "assistant", content: "yes" },
      { role: "user", content: [{ type: "text", text: "and now something else" }] },
    ];
    const { json } = await call("POST", "/api/v1/classify/intent", { messages });
    expect(json["classification"]).toMatchObject({ category: expect.any(String) as string, confidence: expect.any(Number) as number });
    expect((json["matched_signals"] as Record<string, unknown>)["keyword"]).toBeUndefined();
  });

  it.each([
    ["POST", "/api/v1/eval", {}, 400, '"text"'],
    ["POST", "/api/v1/eval", { text: 7 }, 400, '"text"'],
    ["POST", "/api/v1/eval", "{", 400, "JSON"],
    ["GET", "/api/v1/eval", undefined, 404, "not part of the management API"],
    ["POST", "/api/v1/eval", { text: "x".repeat(1024 * 1024) }, 413, "large"],
  ])("answers %s %s with %j by an error in OpenAI's shape", async (method, path, body, status, message) => {
    const answer = await call(method, path, body);
    expect(answer.status).toBe(status);
    expect(answer.json["error"]).toMatchObject({
      code: status,
      type: "invalid_request_error",
      message: expect.stringContaining(message) as string,
    });
  });

  it("serves metrics on a port of its own, and nothing else there", async () => {
    const metrics = await fetch(`http://${kitchen.address("metrics")}/metrics`);
    expect([metrics.status, metrics.headers.get("content-type")]).toEqual([200, expect.stringContaining("text/plain") as string]);
    expect(await metrics.text()).toContain("# TYPE llm_model_routing_latency_seconds histogram");
    expect((await fetch(`http://${kitchen.address("metrics")}/health`)).status).toBe(404);
  });
});
