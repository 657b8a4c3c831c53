/** The plugins a decision may carry: `decisions[].plugins[].type`. A new one is a file and a line. */
import { fastResponse } from "./fast-response.ts";
import { headerMutation } from "./header-mutation.ts";
import { responseCache } from "./response-cache.ts";
import { systemPrompt } from "./system-prompt.ts";

export const plugins = [systemPrompt, headerMutation, fastResponse, responseCache] as const;
