import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { RouterError } from "@turnout/shared";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { loadConfig, type RouterConfig } from "./load.ts";
import { watchConfig } from "./watch.ts";

const text = (model: string) =>
  `version: v0.3\nproviders: {defaults: {default_model: ${model}}, models: [{name: ${model}}]}\nrouting: {}\n`;

type Report = { readonly model: string } | { readonly error: RouterError };

/** Reports are awaited, never polled: each arrives in the queue in the order in which the watch made it. */
class Reports {
  readonly #queue: Report[] = [];
  #waiting: ((report: Report) => void) | null = null;

  readonly onSnapshot = ({ document }: RouterConfig) => this.#push({ model: document.providers.defaults.default_model });
  readonly onError = (error: RouterError) => this.#push({ error });

  next(): Promise<Report> {
    const report = this.#queue.shift();
    if (report !== undefined) return Promise.resolve(report);
    return new Promise((resolve) => {
      this.#waiting = resolve;
    });
  }

  get isEmpty(): boolean {
    return this.#queue.length === 0;
  }

  #push(report: Report): void {
    const waiting = this.#waiting;
    this.#waiting = null;
    if (waiting === null) this.#queue.push(report);
    else waiting(report);
  }
}

describe("watchConfig", () => {
  let directory: string;
  let file: string;
  let stop: AbortController;
  let reports: Reports;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "turnout-watch-"));
    file = join(directory, "config.yaml");
    stop = new AbortController();
    reports = new Reports();
  });

  afterEach(() => {
    stop.abort();
    rmSync(directory, { recursive: true, force: true });
  });

  async function start(options: { readonly pollMs?: number } = {}): Promise<void> {
    const { hash } = await loadConfig(file, {});
    watchConfig(file, {}, { currentHash: hash, ...reports, signal: stop.signal, settleMs: 5, ...options });
  }

  it("sees a file that is written in place", async () => {
    writeFileSync(file, text("one"));
    await start();
    writeFileSync(file, text("two"));
    expect(await reports.next()).toEqual({ model: "two" });
  });

  it("sees an editor's rename over the file, again and again", async () => {
    writeFileSync(file, text("one"));
    await start();
    for (const model of ["two", "three", "four"]) {
      writeFileSync(join(directory, ".config.yaml.swp"), text(model));
      renameSync(join(directory, ".config.yaml.swp"), file);
      expect(await reports.next()).toEqual({ model });
    }
  });

  it("sees Kubernetes swap the ..data link of a ConfigMap volume", async () => {
    const publish = (version: string, model: string) => {
      mkdirSync(join(directory, version));
      writeFileSync(join(directory, version, "config.yaml"), text(model));
      symlinkSync(version, join(directory, "..data_tmp"));
      renameSync(join(directory, "..data_tmp"), join(directory, "..data"));
    };
    publish("..2026_01_01", "one");
    symlinkSync(join("..data", "config.yaml"), file);
    await start();

    publish("..2026_01_02", "two");
    rmSync(join(directory, "..2026_01_01"), { recursive: true });
    expect(await reports.next()).toEqual({ model: "two" });

    publish("..2026_01_03", "three");
    expect(await reports.next()).toEqual({ model: "three" });
  });

  it("keeps quiet about a bad file's predecessor, says once why, and takes the next good one", async () => {
    writeFileSync(file, text("one"));
    await start();
    writeFileSync(file, text("two").replace("routing", "ruoting"));
    const report = await reports.next();
    expect(report).toMatchObject({ error: { code: "config_invalid" } });
    expect("error" in report && report.error.message).toContain('Did you mean "routing"?');
    writeFileSync(file, text("three"));
    expect(await reports.next()).toEqual({ model: "three" });
  });

  it("says that the file is gone, and finds it when it comes back", async () => {
    writeFileSync(file, text("one"));
    await start();
    rmSync(file);
    expect(await reports.next()).toMatchObject({ error: { code: "config_invalid", message: expect.stringContaining("ENOENT") as string } });
    writeFileSync(file, text("two"));
    expect(await reports.next()).toEqual({ model: "two" });
  });

  it("does not report a content that is already served", async () => {
    writeFileSync(file, text("one"));
    await start();
    // A second watch that knows nothing yet looks as often and settles later: when it has spoken, the first has looked.
    const witness = new Reports();
    watchConfig(file, {}, { currentHash: "", ...witness, signal: stop.signal, settleMs: 40 });
    expect(await witness.next()).toEqual({ model: "one" });
    expect(reports.isEmpty).toBe(true);
  });

  it("notices a change that came before the watch stood", async () => {
    writeFileSync(file, text("one"));
    const { hash } = await loadConfig(file, {});
    writeFileSync(file, text("two"));
    watchConfig(file, {}, { currentHash: hash, ...reports, signal: stop.signal, settleMs: 5 });
    expect(await reports.next()).toEqual({ model: "two" });
  });

  it("finds changes behind a link into another directory by polling", async () => {
    mkdirSync(join(directory, "elsewhere"));
    writeFileSync(join(directory, "elsewhere", "real.yaml"), text("one"));
    symlinkSync(join("elsewhere", "real.yaml"), file);
    await start({ pollMs: 10 });
    for (const model of ["two", "three"]) {
      writeFileSync(join(directory, "elsewhere", "real.yaml"), text(model));
      expect(await reports.next()).toEqual({ model });
    }
  });

  it("says nothing any more once it is stopped", async () => {
    writeFileSync(file, text("one"));
    await start();
    stop.abort();
    writeFileSync(file, text("two"));
    const other = new AbortController();
    const witness = new Reports();
    watchConfig(file, {}, { currentHash: "", ...witness, signal: other.signal, settleMs: 40 });
    expect(await witness.next()).toEqual({ model: "two" });
    other.abort();
    expect(reports.isEmpty).toBe(true);
  });
});
