/**
 * The Hugging Face hub, or a mirror of it (HF_ENDPOINT), at a pinned revision. The hub's own client finds the files; the bytes
 * are fetched by download.ts, which can go on where an interrupted run stopped. Both clients are loaded only for a download: a
 * router with a prepared model saves 10 MB.
 */
import { mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { fileDownloadInfo as FileDownloadInfo } from "@huggingface/hub";
import { RouterError } from "@turnout/shared";
import { download } from "../download.ts";
import type { ModelFile } from "../known-models.ts";
import type { ModelSource, SourceRequest } from "../source.ts";

/** How long a hub that does not answer may hold up the next source. */
const CONNECT_TIMEOUT_MS = 5000;
/** Longest silence while headers or a body are awaited. */
const IDLE_TIMEOUT_MS = 30_000;
const DOWNLOAD_DEADLINE_MS = 30 * 60_000;

/** hubSource downloads from the hub. HF_TOKEN is sent to the hub only; HF_HUB_OFFLINE=1 switches the source off. */
export const hubSource: ModelSource = {
  name: "hub",
  async fetch(request) {
    const { model, env, downloads } = request;
    if (model.hub === null || model.revision === null) {
      throw new RouterError("model_source_unreachable", `"${model.name}" is not among the known models`);
    }
    if (env.HF_HUB_OFFLINE === "1") throw new RouterError("model_source_unreachable", "HF_HUB_OFFLINE is 1");
    const [{ fileDownloadInfo, HUB_URL }, { EnvHttpProxyAgent, fetch: undiciFetch }] = await Promise.all([
      import("@huggingface/hub"),
      import("undici"),
    ]);
    const hubUrl = (env.HF_ENDPOINT ?? HUB_URL).replace(/\/+$/, "");
    const signal = AbortSignal.any([request.signal, AbortSignal.timeout(DOWNLOAD_DEADLINE_MS)]);
    const agent = new EnvHttpProxyAgent({
      connect: { timeout: CONNECT_TIMEOUT_MS },
      headersTimeout: IDLE_TIMEOUT_MS,
      bodyTimeout: IDLE_TIMEOUT_MS,
    });
    // undici's fetch is the platform's fetch; only their type declarations are of different versions.
    const fetch = ((url: string, init?: object) =>
      undiciFetch(url, { ...init, dispatcher: agent, signal })) as unknown as typeof globalThis.fetch;
    try {
      for (const file of model.files) await downloadFile({ fileDownloadInfo, hubUrl, fetch, signal, file }, request);
    } catch (cause) {
      throw new RouterError("model_source_unreachable", `${hubUrl} did not give ${model.hub.repository}`, { cause });
    } finally {
      await agent.destroy();
    }
    return { directory: downloads, origin: `${hubUrl}/${model.hub.repository}/tree/${model.revision}` };
  },
  remedy: ({ name }) => `HF_ENDPOINT=https://MIRROR turnout models prepare ${name}   (a mirror of the hub; HTTPS_PROXY is honoured too)`,
};

interface HubFile {
  readonly fileDownloadInfo: typeof FileDownloadInfo;
  readonly hubUrl: string;
  readonly fetch: typeof globalThis.fetch;
  readonly signal: AbortSignal;
  readonly file: ModelFile;
}

async function downloadFile(
  { fileDownloadInfo, hubUrl, fetch, signal, file }: HubFile,
  { model, env, downloads, onProgress }: SourceRequest,
): Promise<void> {
  const accessToken = env.HF_TOKEN === "" ? undefined : env.HF_TOKEN;
  const info = await fileDownloadInfo({
    repo: model.hub!.repository,
    revision: model.revision!,
    path: file.path,
    hubUrl,
    fetch,
    accessToken,
  });
  if (info === null) throw new RouterError("model_source_unreachable", `${file.path} does not exist there`);
  const path = join(downloads, file.path);
  await mkdir(dirname(path), { recursive: true });
  const sameOrigin = new URL(info.url).origin === new URL(hubUrl).origin;
  await download({
    url: info.url,
    headers: accessToken !== undefined && sameOrigin ? { authorization: `Bearer ${accessToken}` } : {},
    path,
    bytes: info.size,
    sha256: file.sha256,
    fetch,
    progress: (done) => onProgress({ stage: "download", source: "hub", done, total: info.size }),
    signal,
  });
}
