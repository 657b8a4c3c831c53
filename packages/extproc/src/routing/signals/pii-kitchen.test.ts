import { createLogger } from "@turnout/shared";
import { afterEach, expect, it } from "vitest";
import { startKitchen, type Kitchen } from "../../testing/kitchen.ts";

let kitchen: Kitchen | null = null;
afterEach(async () => {
  await kitchen?.close();
  kitchen = null;
});

const config = `
version: v0.3
listeners: [{ name: http, address: 127.0.0.1, port: 0 }]
providers:
  defaults: { default_model: base }
  models: [{ name: base, backend_refs: [{ endpoint: "127.0.0.1:9" }] }]
routing:
  modelCards: [{ name: base }]
  signals:
    pii: [{ name: strict, threshold: 0.85, pii_types_allowed: [EMAIL_ADDRESS], include_history: true }]
  decisions:
    - name: block
      rules: { type: pii, name: strict }
      plugins: [{ type: fast_response, configuration: { message: "Please leave personal data out." } }]
global:
  services: { management_api: { port: 0 } }
turnout: { log_level: trace }
`;

const secretCard = "4111 1111 1111 1111";

it("blocks a request by a decision, and no value reaches a log, a header or a metric", async () => {
  const lines: string[] = [];
  kitchen = await startKitchen(config, { logger: createLogger("trace", { write: (line) => void lines.push(line) }) });
  const ask = (text: string) =>
    fetch(`http://${kitchen?.address("HTTP gateway")}/v1/chat/completions`, {
      method: "POST",
      headers: { "content-type": "application/json", "x-vsr-debug": "true" },
      body: JSON.stringify({ model: "auto", messages: [{ role: "user", content: text }] }),
    });
  const blocked = await ask(`my card is ${secretCard}, mail ann@example.org`);
  expect(await blocked.json()).toMatchObject({ choices: [{ message: { content: "Please leave personal data out." } }] });
  expect([blocked.headers.get("x-vsr-matched-pii"), blocked.headers.get("x-vsr-selected-decision")]).toEqual(["strict", "block"]);

  const allowed = await ask("mail me at ann@example.org");
  expect([allowed.status, allowed.headers.get("x-vsr-selected-decision")]).toEqual([502, null]);

  const written = [...lines, await kitchen.metrics.registry.metrics(), ...blocked.headers.values()].join("\n");
  expect(written).toContain('llm_signal_match_total{signal_type="pii",signal_name="strict"} 1');
  expect(lines.some((line) => line.includes('"block"'))).toBe(true);
  for (const value of [secretCard, "4111", "ann@example.org"]) expect(written).not.toContain(value);
});
