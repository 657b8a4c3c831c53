/**
 * Refuses a graph whose 8-bit products would be wrong on this processor. x86 without VNNI adds two products in 16 bits: an int8 weight
 * beyond 64 times an uint8 activation can overflow, silently. Our own graphs are rounded for the machine that prepared them, published
 * ones for whatever their publisher had. Called by a worker before it loads a model.
 */
import { readFile } from "node:fs/promises";
import { RouterError } from "@turnout/shared/errors";

/** Twice 255 times this still fits 16 bits. */
const SAFE_WEIGHT = 64;

/** requireExactProducts throws RouterError "model_unsupported" when weights up to `weightLimit` would overflow. `probe` gives the largest safe weight. */
export async function requireExactProducts(weightLimit: number | null, probe: () => Promise<number> = largestSafeWeight): Promise<void> {
  if (weightLimit === null || weightLimit <= SAFE_WEIGHT || (await probe()) > SAFE_WEIGHT) return;
  throw new RouterError(
    "model_unsupported",
    `the graph has int8 weights up to ${weightLimit}, whose products overflow on this processor (no VNNI): its answers would be wrong. Use fp32: variant fp32, or for a published graph its fp32 file (turnout models prepare --as-is --graph onnx/model.onnx). A checkpoint can also be prepared again on this machine (--force), with smaller weights.`,
  );
}

/** Processors that say they have VNNI, and ARM's, need no trial, which would load the graph writer into the worker. */
async function largestSafeWeight(): Promise<number> {
  if (process.arch === "arm64") return 127;
  const flags = await readFile("/proc/cpuinfo", "utf8").catch(() => "");
  if (/\b(avx512_vnni|avx_vnni)\b/.test(flags)) return 127;
  const { safeWeightLimit } = await import("./prepare/saturation.ts");
  return safeWeightLimit();
}
