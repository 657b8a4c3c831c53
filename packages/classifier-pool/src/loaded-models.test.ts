import { describe, expect, it } from "vitest";
import { LoadedModels, type LoadedModel } from "./loaded-models.ts";
import type { ModelSettings } from "./messages.ts";

const settings = (key: string) => ({ key }) as ModelSettings;
const loaded = {} as LoadedModel;

describe("the models of a worker", () => {
  it("are loaded once each, whoever asks and however often", async () => {
    const loads: string[] = [];
    const models = new LoadedModels(async ({ key }) => {
      loads.push(key);
      return loaded;
    });
    await Promise.all(["a", "b", "a"].map((key) => models.get(settings(key))));
    await models.get(settings("b"));
    expect(loads).toEqual(["a", "b"]);
  });

  it("are tried again after a pause that doubles, and meanwhile refused with the reason", async () => {
    let now = 0;
    let loads = 0;
    const models = new LoadedModels(
      async () => {
        loads += 1;
        if (loads < 4) throw new Error(`attempt ${loads}`);
        return loaded;
      },
      () => now,
    );
    const outcomes: string[] = [];
    for (const at of [0, 500, 999, 1_000, 2_500, 2_999, 3_000, 6_999, 7_000]) {
      now = at;
      outcomes.push(
        await models.get(settings("a")).then(
          () => `${at} loaded`,
          ({ message }: Error) => `${at} ${message}`,
        ),
      );
    }
    expect(outcomes).toEqual([
      "0 attempt 1",
      "500 attempt 1",
      "999 attempt 1",
      "1000 attempt 2",
      "2500 attempt 2",
      "2999 attempt 2",
      "3000 attempt 3",
      "6999 attempt 3",
      "7000 loaded",
    ]);
  });

  it("can be tried at once after all", async () => {
    let loads = 0;
    const models = new LoadedModels(async () => {
      loads += 1;
      if (loads === 1) throw new Error("not yet");
      return loaded;
    });
    await expect(models.get(settings("a"))).rejects.toThrow("not yet");
    models.forget(settings("a"));
    await expect(models.get(settings("a"))).resolves.toBe(loaded);
  });
});
