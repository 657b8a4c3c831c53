import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { RouterError } from "@turnout/shared";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { knownLabels, lineSchemas, readLabelled } from "./labelled-data.ts";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "turnout-labelled-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function read(task: keyof typeof lineSchemas, content: string): Promise<unknown[]> {
  const file = join(folder, "data.jsonl");
  await writeFile(file, content);
  return readLabelled(file, lineSchemas[task]);
}

const good = '{"text": "a", "label": "law"}';

describe("readLabelled", () => {
  it("reads one object a line, whatever else the object has, over empty lines, Windows line ends and a byte order mark", async () => {
    expect(await read("domain", `\uFEFF${good}\r\n\r\n{"text": "b", "label": "math", "source": "x"}\n`)).toEqual([
      { text: "a", label: "law" },
      { text: "b", label: "math" },
    ]);
  });

  it.each<[keyof typeof lineSchemas, string, string]>([
    ["domain", `${good}\n\n{"text": "b"`, "data.jsonl:3: expected one JSON object a line"],
    ["domain", `${good}\n["b"]`, "data.jsonl:2: Invalid input: expected object"],
    ["domain", '{"label": "law"}', "data.jsonl:1: text: Invalid input: expected string"],
    ["domain", '{"text": "a", "label": ""}', "data.jsonl:1: label: "],
    ["domain", '{"text": 1, "label": 2}', "text: Invalid input: expected string, received number; label: Invalid input: expected string"],
    ["intent", '{"text": "", "label": "x"}', "data.jsonl:1: text: "],
    ["jailbreak", '{"text": "a", "label": "1"}', "data.jsonl:1: label: Invalid option: expected one of 0|1"],
    ["jailbreak", '{"text": "a", "label": 2}', "data.jsonl:1: label: Invalid option: expected one of 0|1"],
    ["pii", '{"text": "abc", "label": [[0, 4, "URL"]]}', "data.jsonl:1: label: expected [start, end, TYPE] with start < end"],
    ["pii", '{"text": "abc", "label": [[2, 2, "URL"]]}', "data.jsonl:1: label: expected [start, end, TYPE] with start < end"],
    ["pii", '{"text": "abc", "label": [[0, 2]]}', "data.jsonl:1: label.0"],
    ["domain", "\n \n", "data.jsonl has no lines"],
  ])("refuses %s line %j by its place", async (task, content, message) => {
    const error: unknown = await read(task, content).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(RouterError);
    expect(error).toMatchObject({ code: "request_invalid", message: expect.stringContaining(message) as string });
  });

  it("refuses a label that can never be right, with the nearest that can, and takes any spelling of the others", async () => {
    const file = join(folder, "labels.jsonl");
    const known = knownLabels(["math", "computer science"]);
    await writeFile(file, '{"text": "a", "label": "Computer_Science"}\n{"text": "b", "label": "maths"}');
    await expect(readLabelled(file, known)).rejects.toMatchObject({
      code: "request_invalid",
      message: expect.stringContaining(
        'labels.jsonl:2: label: expected one of math, computer science, got "maths"; did you mean "math"?',
      ) as string,
    });
    await writeFile(file, '{"text": "a", "label": "Computer_Science"}');
    expect(await readLabelled(file, known)).toHaveLength(1);
  });

  it("names a file that cannot be read", async () => {
    const absent = readLabelled(join(folder, "absent.jsonl"), lineSchemas.pii);
    await expect(absent).rejects.toMatchObject({ code: "request_invalid", message: expect.stringContaining("absent.jsonl") as string });
  });

  it("takes offsets in UTF-16 units", async () => {
    expect(await read("pii", '{"text": "😀a@b.cd", "label": [[2, 8, "EMAIL_ADDRESS"]]}')).toHaveLength(1);
  });
});
