/**
 * For tests only: the deterministic encoder, which loads once and never again, as one whose files were removed. The text "die" ends its
 * thread. The file that remembers the first load is named in the module's URL: mortal.ts?marker=PATH.
 */
import { writeFile } from "node:fs/promises";
import { RouterError } from "@turnout/shared";
import * as deterministic from "../deterministic.ts";
import type { Encoder, EncoderLoader } from "../index.ts";

export const load: EncoderLoader = async (settings): Promise<Encoder> => {
  const marker = new URL(import.meta.url).searchParams.get("marker") ?? "";
  await writeFile(marker, "loaded", { flag: "wx" }).catch((cause: unknown) => {
    throw new RouterError("model_corrupt", "the model is gone", { cause });
  });
  const encoder = await deterministic.load(settings);
  return {
    ...encoder,
    tokenizer: { tokenize: (job) => (job.parts[0] === "die" ? process.exit(3) : encoder.tokenizer.tokenize(job)) },
  };
};
