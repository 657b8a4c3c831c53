/** A closed-loop load of small chat requests on kept-alive connections. Reports what came back, never how fast. */
import { Pool } from "undici";

export interface LoadOptions {
  readonly port: number;
  readonly concurrency: number;
  /** Asked before each request. */
  readonly more: (progress: LoadProgress) => boolean;
}

export interface LoadProgress {
  readonly begun: number;
  readonly routed: number;
}

export interface LoadReport {
  readonly requests: number;
  readonly seconds: number;
  /** How often each outcome was seen: a status code, or an error's code. */
  readonly outcomes: Readonly<Record<string, number>>;
  /** Answers whose model was the one the router chooses. */
  readonly routed: number;
}

/** runLoad keeps `concurrency` requests in flight until `more` says no. `expectedModel` counts as routed. */
export async function runLoad(options: LoadOptions, expectedModel: string): Promise<LoadReport> {
  const pool = new Pool(`http://127.0.0.1:${options.port}`, { connections: options.concurrency, pipelining: 1 });
  const outcomes: Record<string, number> = {};
  const body = JSON.stringify({ model: "auto", messages: [{ role: "user", content: "Which equation describes a pendulum?" }] });
  const model = `"model":"${expectedModel}"`;
  let begun = 0;
  let routed = 0;
  const started = performance.now();

  const client = async () => {
    while (options.more({ begun, routed })) {
      begun += 1;
      const outcome = await pool
        .request({ path: "/v1/chat/completions", method: "POST", headers: { "content-type": "application/json" }, body })
        .then(async (response) => {
          const text = await response.body.text();
          if (text.includes(model)) routed += 1;
          return String(response.statusCode);
        })
        .catch((error: Error & { code?: string }) => error.code ?? error.name);
      outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
    }
  };
  await Promise.all(Array.from({ length: options.concurrency }, client));
  const seconds = (performance.now() - started) / 1_000;
  await pool.destroy();
  return { requests: begun, seconds, outcomes, routed };
}
