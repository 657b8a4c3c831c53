/**
 * Child processes of the end-to-end tests: started, awaited until ready, and always ended, even when a test fails or the runner stops.
 * The last lines of a child's output are kept, so that a failure to start explains itself.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";

const TAIL_LINES = 40;

export interface ChildOptions {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Called with each line of stdout and stderr. */
  readonly onLine?: (line: string, stream: "stdout" | "stderr") => void;
}

export interface Child {
  /** Resolves with the exit code or the signal's name. */
  readonly exited: Promise<number | string>;
  /** The last lines of the child's output, for messages of failure. */
  tail(): string;
  kill(signal: NodeJS.Signals): void;
  /** Sends SIGTERM, then SIGKILL after `graceMs`; resolves once the process is gone. */
  stop(graceMs?: number): Promise<void>;
}

/** startChild starts a process that cannot outlive this one. */
export function startChild(options: ChildOptions): Child {
  const lines: string[] = [];
  const child: ChildProcess = spawn(options.command, options.args, {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...options.env },
  });
  for (const stream of ["stdout", "stderr"] as const) {
    const source = child[stream];
    if (source === null) continue;
    createInterface({ input: source }).on("line", (line) => {
      lines.push(line);
      if (lines.length > TAIL_LINES) lines.shift();
      options.onLine?.(line, stream);
    });
  }
  const killAtExit = () => child.kill("SIGKILL");
  process.once("exit", killAtExit);
  const exited = new Promise<number | string>((resolve) => {
    child.once("error", (error) => {
      lines.push(String(error));
      resolve("not started");
    });
    child.once("exit", (code, signal) => resolve(code ?? signal ?? "unknown"));
  }).finally(() => process.off("exit", killAtExit));

  return {
    exited,
    tail: () => lines.join("\n"),
    kill: (signal) => void child.kill(signal),
    async stop(graceMs = 3_000) {
      child.kill("SIGTERM");
      const timer = setTimeout(() => child.kill("SIGKILL"), graceMs);
      await exited;
      clearTimeout(timer);
    },
  };
}

/**
 * until polls a condition of the outside world that announces itself in no other way (a file, an HTTP endpoint); it fails with
 * `what` after the deadline. Null means "not yet".
 */
export async function until<Value>(what: () => string, deadlineMs: number, probe: () => Promise<Value | null>): Promise<Value> {
  const deadline = performance.now() + deadlineMs;
  for (;;) {
    const value = await probe();
    if (value !== null) return value;
    if (performance.now() > deadline) throw new Error(`${what()} (waited ${deadlineMs} ms)`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
