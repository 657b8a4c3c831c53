/**
 * Nothing that decides where a prompt goes may have been written with the prompt in view: neither the prompts that people try first,
 * nor those of our own tests, nor the sentences of vLLM Semantic Router's file occur in sources, configurations or models.
 */
import { globSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";

const root = fileURLToPath(new URL("../../", import.meta.url));

/** The walkthrough's prompts, whole and by what would give them away. */
const walkthrough: readonly string[] = [
  "What is the derivative of x squared?",
  "How does mitosis work?",
  "solve the equation 2x + 5 = 15",
  "what is the speed of light",
  "write a Python function to reverse a string",
  "explain the theory of relativity",
  "what is the capital of Japan",
  "integrate cos(x) from 0 to pi",
  "derivative of x",
  "mitosis",
  "2x + 5",
  "speed of light",
  "reverse a string",
  "theory of relativity",
  "capital of Japan",
  "integrate cos",
];

/** The one place that may name two of them: the curl lines that the quickstart prints for people. */
const printed = { file: "packages/extproc/src/cli/quickstart.ts", line: /^\s*curl\("[^"]*"\),\n/gm, count: 2 } as const;

const plain = (text: string) => text.toLowerCase().replace(/\s+/g, " ");

const sources = globSync(["packages/*/src/**/*.*", "config/**/*.*", "models/**/*.*", "deploy/**/*.*"], { cwd: root })
  .filter((file) => !/\.test\.ts$|\/testing\/|\/node_modules\/|\.safetensors$/.test(file))
  .map((file) => [file, readFileSync(root + file, "utf8")] as const)
  .map(([file, text]) => [file, plain(file === printed.file ? text.replaceAll(printed.line, "") : text)] as const);

function occurrences(sentences: readonly string[]): readonly string[] {
  return sentences.flatMap((sentence) =>
    sources.filter(([, text]) => text.includes(plain(sentence))).map(([file]) => `${file}: ${sentence}`),
  );
}

/** stringsIn finds every string of more than three words in data, however deep. */
function stringsIn(data: unknown): readonly string[] {
  if (typeof data === "string") return data.trim().split(/\s+/).length > 3 ? [data] : [];
  return typeof data === "object" && data !== null ? Object.values(data).flatMap(stringsIn) : [];
}

async function promptsOf(file: string): Promise<readonly string[]> {
  if (file.endsWith(".ts")) return stringsIn({ ...((await import(root + file)) as object) });
  const text = readFileSync(root + file, "utf8");
  if (file.endsWith(".jsonl"))
    return stringsIn(
      text
        .trim()
        .split("\n")
        .map((line): unknown => JSON.parse(line)),
    );
  if (/\.(json|yaml)$/.test(file)) return stringsIn(parse(text));
  return stringsIn(text.split("\n"));
}

describe("sources, configurations and models", () => {
  it("are read, tests excepted, and the quickstart prints two of the walkthrough's prompts", () => {
    const files = sources.map(([file]) => file);
    expect(files).toEqual(
      expect.arrayContaining([printed.file, "packages/extproc/src/routing/signals/domain.ts", "config/quickstart.yaml"]),
    );
    expect(readFileSync(root + printed.file, "utf8").match(printed.line)).toHaveLength(printed.count);
  });

  it("have no prompt of the walkthrough", () => {
    expect(occurrences(walkthrough)).toEqual([]);
  });

  const promptFiles = globSync("{test,packages/*/src,bench,loadtest}/**/*prompts*.{ts,json,jsonl,yaml,txt}", {
    cwd: root,
    exclude: (path) => /node_modules|dist/.test(path),
  });

  it("have files of prompts to be compared with", () => {
    expect(promptFiles).toContain("test/compat/fixture-prompts.ts");
  });

  it.each(promptFiles)("have no prompt of %s", async (file) => {
    const prompts = await promptsOf(file);
    expect(prompts.length).toBeGreaterThan(0);
    expect(occurrences(prompts)).toEqual([]);
  });

  it("repeat no sentence of vLLM Semantic Router's values file", () => {
    const file = readFileSync(`${root}test/compat/fixtures/vsr-agentgateway-values.yaml`, "utf8");
    const sentences = stringsIn(parse(file)).flatMap((text) => stringsIn(text.split(/(?<=\.)\s/)));
    expect(sentences.length).toBeGreaterThan(20);
    expect(occurrences(sentences)).toEqual([]);
  });
});
