import { z } from "zod";
import { ApiError } from "./api-error.ts";
import type { SimulatorSettings } from "./settings.ts";

/** The base model and its LoRA adapters: who is served, loaded and unloaded through vLLM's management endpoints. */
export interface Adapters {
  /** The adapter's name, null for the base model, undefined when nobody serves that name. */
  find(model: string): string | null | undefined;
  /** Body of GET /v1/models. */
  list(created: number): object;
  /** Loads from a request's body; gives vLLM's success text. Throws ApiError. */
  load(body: unknown): string;
  unload(body: unknown): string;
}

const loadRequest = z.looseObject({ lora_name: z.string().min(1), lora_path: z.string().min(1) });
const unloadRequest = z.looseObject({ lora_name: z.string().min(1) });

export function createAdapters(settings: SimulatorSettings): Adapters {
  const base = settings.model;
  const paths = new Map(settings.loraModules.map(({ name, path }) => [name, path]));
  const card = (id: string, root: string, parent: string | null, created: number) => {
    const limit = parent === null ? { max_model_len: settings.maxModelLen } : {};
    return { id, object: "model", created, owned_by: "vllm", root, parent, ...limit };
  };
  return {
    find: (model) => (model === base ? null : paths.has(model) ? model : undefined),
    list: (created) => ({
      object: "list",
      data: [card(base, base, null, created), ...[...paths].map(([name, path]) => card(name, path || name, base, created))],
    }),
    load(body) {
      const request = loadRequest.safeParse(body);
      if (!request.success) throw new ApiError(400, "InvalidUserInput", "Both 'lora_name' and 'lora_path' must be provided.");
      const { lora_name: name, lora_path: path } = request.data;
      if (name === base || paths.has(name)) {
        throw new ApiError(400, "InvalidUserInput", `The lora adapter '${name}' has already been loaded.`);
      }
      paths.set(name, path);
      return `Success: LoRA adapter '${name}' added successfully.`;
    },
    unload(body) {
      const request = unloadRequest.safeParse(body);
      if (!request.success) throw new ApiError(400, "InvalidUserInput", "'lora_name' must be provided.");
      const name = request.data.lora_name;
      if (!paths.delete(name)) throw new ApiError(404, "NotFoundError", `The lora adapter '${name}' cannot be found.`);
      return `Success: LoRA adapter '${name}' removed successfully.`;
    },
  };
}
