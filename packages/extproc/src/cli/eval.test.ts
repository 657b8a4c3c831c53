import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { kitchenConfig } from "../testing/kitchen.ts";

const main = fileURLToPath(new URL("../main.ts", import.meta.url));

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "turnout-eval-"));
  const lines = (label: (index: number) => unknown) =>
    Array.from({ length: 20 }, (_, index) => JSON.stringify({ text: `Message ${index} about frying in pans`, label: label(index) })).join(
      "\n",
    );
  await Promise.all([
    writeFile(join(folder, "kitchen.yaml"), kitchenConfig()),
    writeFile(
      join(folder, "subjects.jsonl"),
      lines((index) => (index < 10 ? "law" : "other")),
    ),
    writeFile(
      join(folder, "pans.jsonl"),
      lines((index) => (index < 10 ? "pans" : "other")),
    ),
    writeFile(
      join(folder, "pii.jsonl"),
      lines(() => []),
    ),
    writeFile(
      join(folder, "pairs.jsonl"),
      [
        { text: "How long do beans soak? ", text2: "How long do beans soak?", label: 1 },
        { text: "Please tell me how long beans soak", text2: "How long do beans soak?", label: 1 },
        { text: "How long do peas soak?", text2: "How long do beans soak?", label: 0 },
      ]
        .map((pair) => JSON.stringify(pair))
        .join("\n"),
    ),
    writeFile(join(folder, "wrong.jsonl"), '{"text": "a", "label": "law"}\n{"text": "b"}\n'),
  ]);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Runs `turnout eval` as users do, in a process of its own, where no model is prepared. */
function evaluate(...args: string[]): Promise<{ code: unknown; stdout: string; stderr: string }> {
  const options = { cwd: folder, env: { ...process.env, TURNOUT_MODELS_DIR: join(folder, "models") }, timeout: 20_000 };
  return new Promise((resolve) => {
    execFile(process.execPath, ["--conditions=source", main, "eval", ...args], options, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : error.code, stdout, stderr }),
    );
  });
}

describe("turnout eval", () => {
  it("measures the quickstart configuration without an encoder, and prints one JSON object alone", async () => {
    const { code, stdout, stderr } = await evaluate("--task", "domain", "--data", "subjects.jsonl", "--tier", "embedded", "--json");
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(/^\{.*\}\n$/);
    expect(JSON.parse(stdout)).toMatchObject({ task: "domain", tier: "embedded", n: 20, escalated: 0, perClass: { law: { support: 10 } } });
  });

  it("measures a configuration with domains of other names, for people and as a page", async () => {
    const { code, stdout } = await evaluate("--task", "domain", "--data", "pans.jsonl", "--config", "kitchen.yaml", "--html", "page.html");
    expect(code).toBe(0);
    expect(stdout).toMatch(/^domain, cascade: 20 texts\n/);
    expect(stdout).toMatch(/escalated +100\.0 %/);
    expect(stdout).toMatch(/pans +\d+\.\d %/);
    expect(await readFile(join(folder, "page.html"), "utf8")).toMatch(/^<!doctype html>[^]*Reliability/);
  });

  it("measures whether the cache would answer one question with another's answer", async () => {
    const { code, stdout } = await evaluate("--task", "cache", "--data", "pairs.jsonl", "--config", "kitchen.yaml", "--json");
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      task: "cache",
      n: 3,
      positives: 2,
      precision: 1,
      falseHitRate: 0,
      decidedBy: { exact: { equal: 1, different: 0 } },
    });
  });

  it("prints the figures before it finds that the page cannot be written", async () => {
    const { code, stdout, stderr } = await evaluate("--task", "pii", "--data", "pii.jsonl", "--json", "--html", "absent/page.html");
    expect([code, JSON.parse(stdout)]).toEqual([1, expect.objectContaining({ task: "pii", falsePositiveRate: 0, perType: {} })]);
    expect(stderr).toMatch(/^turnout: the page cannot be written: .*absent/);
  });

  it.each([
    ["--task cache --data pans.jsonl --config kitchen.yaml", "pans.jsonl:1: text2"],
    ["--task domains --data pans.jsonl", "domain, jailbreak, pii, intent, cache"],
    ["--task domain --data pans.jsonl --tier large", "embedded, encoder, cascade"],
    ["--task domain", "--data"],
    ["--task domain --data wrong.jsonl --tier embedded", "wrong.jsonl:2: label: Invalid input: expected string"],
    ["--task domain --data absent.jsonl", "absent.jsonl"],
    ["--task domain --data pans.jsonl --config absent.yaml", "absent.yaml"],
    ["--task domain --data pans.jsonl --config kitchen.yaml --tier embedded", "need the encoder"],
    ["--task intent --data pans.jsonl", "--train"],
    ["--task pii --data pii.jsonl --types SHOE_SIZE", "CREDIT_CARD"],
    ["--task domain --data subjects.jsonl --source directory", "directory"],
  ])("refuses %s, on stderr alone", async (args, hint) => {
    const { code, stdout, stderr } = await evaluate(...args.split(" "), "--json");
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toContain(hint);
    expect(stderr).not.toContain("This is a bug");
  });
});
