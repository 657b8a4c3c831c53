import { Counter, Gauge, Registry } from "prom-client";
import type { Clock } from "@turnout/shared";
import type { Admission } from "./admission.ts";
import type { SimulatorSettings } from "./settings.ts";

/** vLLM's metric names, as far as schedulers and dashboards read them from a simulated backend. */
export function createSimulatorMetrics(settings: SimulatorSettings, admission: Admission, clock: Clock) {
  const registry = new Registry();
  registry.setDefaultLabels({ model_name: settings.model });
  const registers = [registry];
  const names = (places: readonly (string | null)[]) => [...new Set(places)].filter((name) => name !== null).join(",");
  registry.registerMetric(
    new Gauge({
      name: "vllm:num_requests_running",
      help: "Requests that generate now",
      registers: [],
      collect() {
        this.set(admission.running.length);
      },
    }),
  );
  registry.registerMetric(
    new Gauge({
      name: "vllm:num_requests_waiting",
      help: "Requests that wait to run",
      registers: [],
      collect() {
        this.set(admission.waiting.length);
      },
    }),
  );
  registry.registerMetric(
    new Gauge({
      name: "vllm:lora_requests_info",
      help: "Adapters running and waiting; the value is the time, seconds",
      labelNames: ["max_lora", "running_lora_adapters", "waiting_lora_adapters"],
      registers: [],
      collect() {
        this.reset();
        const running = names(admission.running);
        const waiting = names(admission.waiting);
        const labels = { max_lora: String(settings.maxLoras), running_lora_adapters: running, waiting_lora_adapters: waiting };
        this.set(labels, clock.wallMs() / 1000);
      },
    }),
  );
  return {
    registry,
    succeeded: new Counter({ name: "vllm:request_success_total", help: "Requests finished", labelNames: ["finished_reason"], registers }),
    promptTokens: new Counter({ name: "vllm:prompt_tokens_total", help: "Prompt tokens read", registers }),
    generationTokens: new Counter({ name: "vllm:generation_tokens_total", help: "Tokens generated", registers }),
  } as const;
}
