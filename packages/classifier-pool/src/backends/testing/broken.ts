/** For tests only: an encoder that never loads. */
import { RouterError } from "@turnout/shared";
import type { EncoderLoader } from "../index.ts";

export const load: EncoderLoader = () => Promise.reject(new RouterError("model_corrupt", "this encoder never loads"));
