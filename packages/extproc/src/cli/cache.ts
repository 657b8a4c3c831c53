import { createReadStream, createWriteStream } from "node:fs";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createInterface } from "node:readline";
import { RouterError } from "@turnout/shared";
import type { Command } from "commander";
import { parseSeconds } from "./options.ts";

interface ApiFlags {
  readonly api: string;
}

interface InvalidateFlags extends ApiFlags {
  readonly id?: string[];
  readonly decision?: string;
  readonly model?: string;
  readonly scope?: string;
  readonly header?: string[];
  readonly olderThan?: number;
  readonly yes: boolean;
}

const ROOT = "/api/v1/response-cache";
const TIMEOUT_MS = 15_000;

/** addCacheCommands adds `turnout cache`: what the management API of a running Turnout tells of its response cache, and what it can be told. */
export function addCacheCommands(program: Command): void {
  const cache = program.command("cache").description("Look at the response cache of a running Turnout, or have it forget.");
  const command = (name: string, description: string) =>
    cache.command(name).description(description).option("--api <url>", "management API of any replica", "http://127.0.0.1:8080");

  command("stats", "How many answers there are, and how often semantic hits would have been wrong.").action(({ api }: ApiFlags) =>
    show(call(api, "GET", "stats")),
  );
  command("health", "Whether the store can be reached.").action(({ api }: ApiFlags) => show(call(api, "GET", "health")));
  command("test", "Why a question would be answered from the cache, or not: every step, nothing served.")
    .requiredOption("--text <question>", "the user's words")
    .option("--header <header...>", 'who asks, as the gateway says it: "x-authz-user-id: ann"')
    .action(({ api, text, header }: ApiFlags & { readonly text: string; readonly header?: string[] }) =>
      show(
        call(api, "POST", "test", { request: { model: "auto", messages: [{ role: "user", content: text }] }, headers: headersOf(header) }),
      ),
    );
  command(
    "import",
    "Keep an export's entries, or answers that are known: JSON lines of {request, response, headers?}, as if a model had just given them.",
  )
    .requiredOption("--data <file>", "the answers")
    .action(({ api, data }: ApiFlags & { readonly data: string }) => show(importAnswers(api, data)));
  command("export", "Write all entries as JSON lines, questions and answers in plain words: for another store of the same configuration.")
    .requiredOption("--data <file>", "file to write")
    .action(({ api, data }: ApiFlags & { readonly data: string }) => exportEntries(api, data));
  command("invalidate", "Forget answers, on all replicas. Counts them first; --yes does it.")
    .option("--id <ids...>", "entries, as x-vsr-cache-entry names them")
    .option("--decision <name>", "of this decision")
    .option("--model <name>", "of this model")
    .option("--scope <kind>", "of one user, team or tenant; --header says which")
    .option("--header <header...>", 'who that is, as the gateway says it: "x-authz-user-id: ann"')
    .option("--older-than <seconds>", "made longer ago than this", parseSeconds)
    .option("--yes", "do it, and do not only count", false)
    .action(({ api, id, decision, model, scope, header, olderThan, yes }: InvalidateFlags) => {
      const filter = { ids: id, decision, model, scope, headers: headersOf(header), older_than_seconds: olderThan };
      return show(call(api, "POST", "invalidate", { ...filter, dry_run: !yes }));
    });
  command("flush", "Forget everything, on all replicas.")
    .requiredOption("--yes", "really")
    .action(({ api }: ApiFlags) => show(flush(api)));
  command("feedback", "Tell that an answer was wrong: it is forgotten, and counted against its decision.")
    .requiredOption("--id <id>", "entry, as x-vsr-cache-entry names it")
    .action(({ api, id }: ApiFlags & { readonly id: string }) => show(call(api, "POST", "feedback", { id, wrong: true })));
}

function headersOf(lines: readonly string[] | undefined): Readonly<Record<string, string>> | undefined {
  return lines === undefined ? undefined : Object.fromEntries(lines.map((line) => line.split(/:\s*/, 2)));
}

async function exportEntries(api: string, file: string): Promise<void> {
  const response = await fetch(`${api.replace(/\/$/, "")}${ROOT}/export`);
  if (!response.ok || response.body === null) throw new RouterError("request_invalid", `${api} answered ${response.status}`);
  await pipeline(Readable.fromWeb(response.body), createWriteStream(file, { mode: 0o600 }));
}

/** Answers of one call; the management API takes 1 MiB. */
const CHUNK_BYTES = 512 * 1024;

async function importAnswers(api: string, file: string): Promise<{ readonly read: number; readonly taken: number }> {
  const total = { read: 0, taken: 0 };
  let chunk: string[] = [];
  let bytes = 0;
  const send = async () => {
    if (chunk.length === 0) return;
    const lines = chunk.map((line, index) => parsedLine(line, `${file}:${total.read + index + 1}`));
    const entries = lines.flatMap((line) => (typeof line.entry === "string" ? [line.entry] : []));
    const answers = lines.filter((line) => line.entry === undefined);
    const { read, taken } = (await call(api, "POST", "import", { answers, entries })) as typeof total;
    total.read += read;
    total.taken += taken;
    if (process.stderr.isTTY) process.stderr.write(`\r${total.read} answers read, ${total.taken} taken`);
    chunk = [];
    bytes = 0;
  };
  for await (const line of createInterface({ input: createReadStream(file) })) {
    if (line.trim() === "") continue;
    if (bytes + line.length > CHUNK_BYTES || chunk.length === MAX_ANSWERS) await send();
    chunk.push(line);
    bytes += line.length;
  }
  await send();
  if (process.stderr.isTTY) process.stderr.write("\r\u001b[2K");
  return total;
}

const MAX_ANSWERS = 200;

function parsedLine(line: string, place: string): { readonly entry?: unknown } {
  try {
    return JSON.parse(line) as { readonly entry?: unknown };
  } catch (cause) {
    throw new RouterError("request_invalid", `${place}: expected one JSON object a line: ${(cause as Error).message}`, { cause });
  }
}

async function flush(api: string): Promise<unknown> {
  const { confirmation } = (await call(api, "GET", "capabilities")) as { readonly confirmation: string };
  return call(api, "POST", "flush", { confirm: confirmation });
}

async function show(answer: Promise<unknown>): Promise<void> {
  process.stdout.write(`${JSON.stringify(await answer, null, 2)}\n`);
}

async function call(api: string, method: "GET" | "POST", operation: string, body?: object): Promise<unknown> {
  const url = `${api.replace(/\/$/, "")}${ROOT}/${operation}`;
  const init = body === undefined ? {} : { headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
  let response: Response;
  try {
    response = await fetch(url, { method, ...init, signal: AbortSignal.timeout(TIMEOUT_MS) });
  } catch (error) {
    throw new RouterError("upstream_unreachable", `no management API answers at ${api}; name another with --api`, { cause: error });
  }
  const answer = (await response.json().catch(() => null)) as { readonly error?: { readonly message?: string } } | null;
  if (!response.ok) throw new RouterError("request_invalid", answer?.error?.message ?? `${url} answered ${response.status}`);
  return answer;
}
