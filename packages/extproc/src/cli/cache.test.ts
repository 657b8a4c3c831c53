import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { kitchenConfig, startKitchen, type Kitchen } from "../testing/kitchen.ts";

const main = fileURLToPath(new URL("../main.ts", import.meta.url));

let kitchen: Kitchen;
beforeAll(async () => {
  const caching = kitchenConfig().replace(
    "lora_name: oven-expert }] }",
    "lora_name: oven-expert }], plugins: [{ type: response_cache, configuration: { scope: global } }] }",
  );
  kitchen = await startKitchen(caching);
});
afterAll(() => kitchen.close());

/** Runs `turnout cache` as operators do, in a process of its own. */
function run(...args: string[]): Promise<{ code: unknown; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, ["--conditions=source", main, "cache", ...args], { timeout: 20_000 }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : error.code, stdout, stderr }),
    );
  });
}

describe("turnout cache", () => {
  it.each<[args: string, answer: object]>([
    ["test --text oven", { decision: "oven", use: "cached", exact: null }],
    ["stats", { backend: "memory", entries: 0 }],
    ["health", { status: "ready" }],
    ["invalidate --decision oven", { dry_run: true, matched: 0 }],
    ["invalidate --older-than 60 --yes", { dry_run: false, invalidated: 0 }],
    ["flush --yes", { invalidated: 0 }],
    ["feedback --id nobody", { removed: false }],
  ])("%s", async (args, answer) => {
    const { code, stdout, stderr } = await run(...args.split(" "), "--api", `http://${kitchen.address("management API")}`);
    expect([code, stderr]).toEqual([0, ""]);
    expect(JSON.parse(stdout)).toMatchObject(answer);
  });

  it("imports answers line by line, and names a line that is none", async () => {
    const folder = await mkdtemp(join(tmpdir(), "turnout-cache-"));
    const api = ["--api", `http://${kitchen.address("management API")}`];
    const message = { role: "assistant", content: "hot" };
    const answer = {
      request: { model: "auto", messages: [{ role: "user", content: "the oven" }] },
      response: { object: "chat.completion", choices: [{ index: 0, message, finish_reason: "stop" }] },
    };
    await writeFile(join(folder, "good.jsonl"), `${JSON.stringify(answer)}\n\n${JSON.stringify(answer)}\n`);
    await writeFile(join(folder, "bad.jsonl"), `${JSON.stringify(answer)}\n{\n`);
    const { stdout } = await run("import", "--data", join(folder, "good.jsonl"), ...api);
    expect(JSON.parse(stdout)).toMatchObject({ read: 2 });
    expect((await run("import", "--data", join(folder, "bad.jsonl"), ...api)).stderr).toContain("bad.jsonl:2");
    expect((await run("import", "--data", join(folder, "absent.jsonl"), ...api)).code).toBe(1);
    await rm(folder, { recursive: true });
  });

  it("says what to do when nobody answers", async () => {
    const { code, stderr } = await run("stats", "--api", "http://127.0.0.1:1");
    expect(code).toBe(1);
    expect(stderr).toContain("--api");
  });

  it("asks for a filter, and for a word before it empties the cache", async () => {
    const api = ["--api", `http://${kitchen.address("management API")}`];
    expect((await run("invalidate", ...api)).stderr).toContain("at least one of");
    expect((await run("flush", ...api)).stderr).toContain("--yes");
  });
});
