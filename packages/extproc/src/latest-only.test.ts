import { expect, it } from "vitest";
import { latestOnly } from "./latest-only.ts";

it("works on one value at a time, and of those that wait only on the latest", async () => {
  const begun: { value: string; finish: () => void }[] = [];
  const give = latestOnly<string>(async (value) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    begun.push({ value, finish: resolve });
    await promise;
  });
  const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve));
  for (const value of ["a", "b", "c"]) give(value);
  await nextTurn();
  expect(begun.map(({ value }) => value)).toEqual(["a"]);
  begun[0]?.finish();
  await nextTurn();
  expect(begun.map(({ value }) => value)).toEqual(["a", "c"]);
  begun[1]?.finish();
  await nextTurn();
  give("d");
  expect(begun.map(({ value }) => value)).toEqual(["a", "c", "d"]);
});
