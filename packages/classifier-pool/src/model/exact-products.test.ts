import { describe, expect, it, vi } from "vitest";
import { requireExactProducts } from "./exact-products.ts";

describe("requireExactProducts", () => {
  it("refuses full-range weights where products overflow, and names the way out", async () => {
    await expect(requireExactProducts(127, async () => 64)).rejects.toMatchObject({
      code: "model_unsupported",
      message: expect.stringMatching(/weights up to 127.*--graph onnx\/model\.onnx.*--force/),
    });
  });

  it("takes full-range weights where products are exact", async () => {
    await expect(requireExactProducts(127, async () => 127)).resolves.toBeUndefined();
  });

  it.each([[64], [null]])("asks nothing of the processor for weights up to %s", async (limit) => {
    const probe = vi.fn(async () => 64);
    await requireExactProducts(limit, probe);
    expect(probe).not.toHaveBeenCalled();
  });

  it("finds out about this processor by itself", async () => {
    const outcome = await requireExactProducts(127).then(
      () => 127,
      () => 64,
    );
    const { safeWeightLimit } = await import("./prepare/saturation.ts");
    expect(outcome).toBe(await safeWeightLimit());
  });
});
