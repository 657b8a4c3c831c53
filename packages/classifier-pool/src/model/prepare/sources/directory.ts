/** A checkpoint that the user already has on disk. Nothing is copied and nothing in it is changed. */
import { access } from "node:fs/promises";
import { join } from "node:path";
import { RouterError } from "@turnout/shared";
import { checkpointFiles } from "../known-models.ts";
import type { ModelSource } from "../source.ts";

/** directorySource reads the directory given by the user. */
export const directorySource: ModelSource = {
  name: "directory",
  async fetch({ directory }) {
    if (directory === null) throw new RouterError("model_source_unreachable", "no directory was given");
    for (const file of Object.values(checkpointFiles)) {
      await access(join(directory, file)).catch((cause: unknown) => {
        throw new RouterError("model_source_unreachable", `${join(directory, file)} cannot be read`, { cause });
      });
    }
    return { directory, origin: `directory ${directory}` };
  },
  remedy: ({ name }) =>
    `turnout models prepare ${name} --directory DIR   (DIR holds ${Object.values(checkpointFiles).join(", ")}, copied from anywhere)`,
};
