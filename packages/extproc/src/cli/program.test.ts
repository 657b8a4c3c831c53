import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { kitchenConfig } from "../testing/kitchen.ts";

const main = fileURLToPath(new URL("../main.ts", import.meta.url));
let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "turnout-cli-"));
  await writeFile(join(folder, "config.yaml"), kitchenConfig());
  await writeFile(join(folder, "wrong.yaml"), kitchenConfig().replace("keywords: [oven]", "keyword: [oven]"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Runs the command line as users do, in a process of its own. */
async function turnout(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, ["--conditions=source", main, ...args], {
    cwd: folder,
    env: { ...process.env, TURNOUT_MODELS_DIR: join(folder, "models") },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const exited = new Promise<number>((resolve) => child.once("exit", (code) => resolve(code ?? -1)));
  const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), exited]);
  return { code, stdout, stderr };
}

describe("turnout", () => {
  it("names the setting of the simulated vLLM's port when that is taken", async () => {
    const squatter = createServer().listen(0, "127.0.0.1");
    await once(squatter, "listening");
    const address = squatter.address();
    const port = typeof address === "object" && address !== null ? String(address.port) : "";
    const { code, stderr } = await turnout("quickstart", "--config", "config.yaml", "--simulator-port", port);
    squatter.close();
    expect([code, stderr]).toEqual([1, expect.stringContaining("--simulator-port") as string]);
  });

  it.each([
    ["--help"],
    ["serve", "--help"],
    ["quickstart", "--help"],
    ["explain", "--help"],
    ["config", "check", "--help"],
    ["models", "prepare", "--help"],
    ["simulate", "--help"],
  ])("explains itself: %s %s %s", async (...args) => {
    const { code, stdout } = await turnout(...args.filter((arg) => arg !== undefined));
    expect(code).toBe(0);
    expect(stdout).toContain("Usage: turnout");
  });

  it("checks a configuration", async () => {
    expect(await turnout("config", "check", "config.yaml")).toEqual({
      code: 0,
      stdout: "config.yaml: ok (2 decisions, 0 warnings)\n",
      stderr: "",
    });
    const wrong = await turnout("config", "check", "wrong.yaml");
    expect(wrong.code).toBe(1);
    expect(wrong.stderr).toContain("keywords");
    expect(wrong.stderr).toContain("wrong.yaml:10");
    expect(wrong.stderr).not.toContain("at ");
  });

  it("prints a JSON Schema", async () => {
    const { code, stdout } = await turnout("config", "schema");
    expect([code, (JSON.parse(stdout) as { $schema: string }).$schema]).toEqual([0, "http://json-schema.org/draft-07/schema#"]);
  });

  it("explains where a prompt would go, for people and for programs", async () => {
    const people = await turnout("explain", "is the oven hot", "--config", "config.yaml");
    expect(people.code).toBe(0);
    expect(people.stdout).toMatch(/→ oven {2}priority 20, confidence 1\.0000 {2}✓ keyword:oven/);
    expect(people.stdout).toMatch(/→ oven-expert on base/);
    const programs = await turnout("explain", "is the oven hot", "--config", "config.yaml", "--json");
    expect(JSON.parse(programs.stdout)).toMatchObject({ selected_model: "oven-expert", routing_decision: "oven" });
  });

  it("lists what is prepared and how to prepare what is not", async () => {
    const { code, stdout } = await turnout("models", "list");
    expect([code, stdout]).toEqual([0, "all-MiniLM-L6-v2  not prepared; run: turnout models prepare all-MiniLM-L6-v2\n"]);
  });

  it.each([
    [["serve"], "--config"],
    [["serve", "--config", "config.yaml", "--secure"], "--cert-path"],
    [["serve", "--config", "config.yaml", "--cert-path", "."], "--secure"],
    [["serve", "--config", "config.yaml", "--grace", "soon"], "seconds"],
    [["serve", "--config", "config.yaml", "--port", ""], "0 to 65535"],
    [["serve", "--config", "absent.yaml"], "absent.yaml"],
    [["serve", "--config", "config.yaml", "--port", "70000"], "0 to 65535"],
    [["models", "prepare", "--source", "hubb"], "directory, hub and pypi"],
    [["models", "prepare", "x", "--source", "directory", "--directory", "nowhere"], "nowhere"],
    [["models", "prepare", "x", "--as-is"], "--as-is --directory DIR"],
    [["models", "prepare", "x", "--as-is", "--directory", "nowhere"], "nowhere"],
    [["classifier", "--secure"], "--cert-path"],
    [["classifier", "--workers", "0"], "1 to 256"],
    [["classifier", "--port", "70000"], "0 to 65535"],
    [["simulate", "--lora-module", "x"], "--lora-modules"],
    [["serv"], "serve"],
  ])("refuses %j and says what to do", async (args, hint) => {
    const { code, stderr } = await turnout(...args);
    expect(code).toBe(1);
    expect(stderr).toContain(hint);
    expect(stderr).not.toContain("This is a bug");
  });
});
