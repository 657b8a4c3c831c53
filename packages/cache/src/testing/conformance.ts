/** What every backend has to do, whichever it is: one suite, called by the tests of each. */
import type { Clock } from "@turnout/shared";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { CacheBackend, PurgeFilter } from "../backends/backend.ts";
import { entryOf, Replica } from "./rows.ts";

/** Opened is a backend of its own store, empty. */
export interface Opened {
  readonly backend: CacheBackend;
  /** Resolves once it can be asked; absent: at once. Called after follow(). */
  ready?(): Promise<void>;
  close(): Promise<void>;
}

const NOW = Date.now();
const LATER = NOW + 3_600_000;
const live = { createdMs: NOW, expiresMs: LATER };
const text = (payload: Uint8Array | null | undefined) =>
  payload === null || payload === undefined ? null : Buffer.from(payload).toString();

/** testCacheBackend describes the suite for one backend. `clock` must be the backend's. */
export function testCacheBackend(name: string, open: (clock: Clock) => Promise<Opened>): void {
  describe(`${name}, as every backend`, () => {
    const time = { wall: NOW };
    const clock: Clock = { now: () => performance.now(), wallMs: () => time.wall };
    let opened: Opened;
    let replica: Replica;
    const backend = () => opened.backend;

    beforeEach(async () => {
      time.wall = NOW;
      opened = await open(clock);
      replica = new Replica();
      backend().follow(replica.listen);
      await opened.ready?.();
    });
    afterEach(() => opened.close());

    it("gives what was put, in the order asked, and null for what was not", async () => {
      await backend().put(entryOf("a", live), {});
      await backend().put(entryOf("b", live), {});
      const found = await backend().get(["b", "nobody", "a"], {});
      expect(found.map(text)).toEqual(["payload of b", null, "payload of a"]);
      expect(await backend().get([], {})).toEqual([]);
    });

    it("finds an entry by the first of its pointers that leads somewhere", async () => {
      await backend().put(entryOf("a", live, ["p1", "p2"]), {});
      const found = await backend().find(["nowhere", "p2"], {});
      expect(found).toMatchObject({ pointer: "p2", id: "a" });
      expect(text(found?.payload)).toBe("payload of a");
      expect(await backend().find(["nowhere"], {})).toBeNull();
      expect(await backend().find([], {})).toBeNull();
    });

    it("tells of what was put, with everything that was said of it", async () => {
      const semantic = { vector: Int8Array.of(1, -2, 127), scale: 0.015625, features: Uint8Array.of(0, 255, 3) };
      const entry = entryOf("a", { ...live, scope: "s", decision: "déjà vu", model: "m/1", semantic });
      await backend().put(entry, {});
      await replica.until(() => replica.rows.has("a"));
      const row = replica.rows.get("a");
      expect(row).toMatchObject({ id: "a", scope: "s", decision: "déjà vu", model: "m/1", createdMs: NOW, expiresMs: LATER });
      expect(Buffer.from(row?.partition ?? []).equals(Buffer.from(entry.row.partition))).toBe(true);
      expect([...(row?.semantic?.vector ?? [])]).toEqual([1, -2, 127]);
      expect(row?.semantic?.scale).toBeCloseTo(0.015625, 6);
      expect([...(row?.semantic?.features ?? [])]).toEqual([0, 255, 3]);
    });

    it("keeps one entry under one id, the last", async () => {
      await backend().put(entryOf("a", live), {});
      await backend().put({ ...entryOf("a", { ...live, model: "other" }), payload: Buffer.from("again") }, {});
      expect((await backend().get(["a"], {})).map(text)).toEqual(["again"]);
      await replica.until(() => replica.rows.get("a")?.model === "other");
      expect(replica.ids).toEqual(["a"]);
    });

    it.each<[what: string, filter: PurgeFilter, left: string[]]>([
      ["everything", {}, []],
      ["ids", { ids: ["a", "c"] }, ["b", "d"]],
      ["a scope", { scope: "s1" }, ["c", "d"]],
      ["a decision", { decision: "law" }, ["a", "c"]],
      ["a model", { model: "m2" }, ["a", "b"]],
      ["what is old", { createdBeforeMs: NOW + 5 }, ["c", "d"]],
      ["what all parts name", { scope: "s2", decision: "law" }, ["a", "b", "c"]],
      ["nothing", { scope: "s1", model: "m2" }, ["a", "b", "c", "d"]],
    ])("purges %s, here and for those who follow", async (_, filter, left) => {
      const rows = [
        ["a", { scope: "s1", decision: "math", model: "m1", createdMs: NOW }],
        ["b", { scope: "s1", decision: "law", model: "m1", createdMs: NOW }],
        ["c", { scope: "s2", decision: "math", model: "m2", createdMs: NOW + 5 }],
        ["d", { scope: "s2", decision: "law", model: "m2", createdMs: NOW + 6 }],
      ] as const;
      for (const [id, row] of rows) await backend().put(entryOf(id, { ...live, ...row }, [`p-${id}`]), {});
      await replica.until(() => replica.rows.size === 4);
      await backend().purge(filter, {});
      await replica.until(() => replica.changes.some(({ kind }) => kind === "purged"));
      expect(replica.ids).toEqual(left);
      const ids = ["a", "b", "c", "d"];
      const payloads = await backend().get(ids, {});
      expect(ids.filter((_id, index) => payloads[index] !== null)).toEqual(left);
      for (const id of ids) expect((await backend().find([`p-${id}`], {})) !== null).toBe(left.includes(id));
    });

    it("takes entries again after a purge", async () => {
      await backend().put(entryOf("a", live), {});
      await backend().purge({}, {});
      await backend().put(entryOf("b", live), {});
      expect((await backend().get(["a", "b"], {})).map(text)).toEqual([null, "payload of b"]);
      await replica.until(() => replica.rows.has("b"));
      expect(replica.ids).toEqual(["b"]);
    });

    it("keeps bytes as they are", async () => {
      const payload = Uint8Array.from({ length: 256 }, (_, i) => i);
      await backend().put({ ...entryOf("a", live), payload }, {});
      const [found] = await backend().get(["a"], {});
      expect(Buffer.compare(found ?? new Uint8Array(), payload)).toBe(0);
    });
  });
}
