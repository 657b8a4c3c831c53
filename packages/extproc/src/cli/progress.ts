import type { SingleBar } from "cli-progress";
import type { PrepareProgress } from "@turnout/classifier-pool/prepare";

const TITLES: Readonly<Record<PrepareProgress["stage"], string>> = {
  download: "downloading",
  verify: "verifying",
  convert: "converting",
  write: "writing",
};

/** PreparationView shows how far a preparation is; `stop` ends it, whether anything was shown or not. */
export interface PreparationView {
  onProgress(this: void, progress: PrepareProgress): void;
  stop(this: void): void;
}

/** showPreparation draws one bar per stage on a terminal, and one line per stage elsewhere. */
export async function showPreparation(model: string): Promise<PreparationView> {
  const { stderr } = process;
  if (!stderr.isTTY) {
    let last = "";
    return {
      onProgress({ stage, source }) {
        const line = `${TITLES[stage]} ${model}${source === undefined ? "" : ` from ${source}`}`;
        if (line !== last) stderr.write(`${line}\n`);
        last = line;
      },
      stop: () => {},
    };
  }
  const { MultiBar, Presets } = await import("cli-progress");
  const bars = new MultiBar(
    { format: "{title} [{bar}] {percentage}%", stream: stderr, hideCursor: true, clearOnComplete: false },
    Presets.shades_classic,
  );
  const byTitle = new Map<string, SingleBar>();
  return {
    onProgress({ stage, source, done, total }) {
      const title = `${TITLES[stage]} ${model}${source === undefined ? "" : ` from ${source}`}`;
      const bar = byTitle.get(title) ?? bars.create(Math.max(total, 1), 0, { title });
      byTitle.set(title, bar);
      bar.setTotal(Math.max(total, 1));
      bar.update(done, { title });
    },
    stop: () => bars.stop(),
  };
}
