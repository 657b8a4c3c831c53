import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createProgram } from "./program.ts";

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "turnout-config-"));
});
afterEach(async () => {
  vi.restoreAllMocks();
  await rm(folder, { recursive: true, force: true });
});

describe("turnout config check", () => {
  it("says which settings are in force because of the environment", async () => {
    const file = join(folder, "config.yaml");
    await writeFile(file, "version: v0.3\nproviders: {defaults: {default_model: base}, models: [{name: base}]}\nrouting: {}\n");
    const written: string[] = [];
    vi.spyOn(process.stdout, "write").mockImplementation((chunk) => written.push(String(chunk)) > 0);
    const env = { TURNOUT__CLASSIFIER__WORKERS: "3", TURNOUT__GATEWAY: "envoy" };
    await createProgram(env).parseAsync(["node", "turnout", "config", "check", file]);
    expect(written).toEqual([
      "turnout.classifier.workers: 3 from environment variable TURNOUT__CLASSIFIER__WORKERS\n",
      'turnout.gateway: "envoy" from environment variable TURNOUT__GATEWAY\n',
      `${file}: ok (0 decisions, 0 warnings)\n`,
    ]);
  });
});
