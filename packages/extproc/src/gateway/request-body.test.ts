import { EventEmitter } from "node:events";
import type { IncomingMessage } from "node:http";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, it } from "vitest";
import { HeldBytes } from "../held-bytes.ts";
import { readBody } from "./request-body.ts";

it("keeps no object per chunk, so that a body of a million chunks costs its bytes", async () => {
  setFlagsFromString("--expose-gc");
  const gc = runInNewContext("gc") as () => void;
  const request = Object.assign(new EventEmitter(), { headers: {}, pause: () => {} });
  const bounds = { maxBodyBytes: 1_000, maxHeldBytes: 1_000, bodyTimeoutMs: 10_000 };
  const body = readBody(request as unknown as IncomingMessage, bounds, new HeldBytes(() => {}), new AbortController().signal);
  const chunks = Array.from({ length: 500 }, (_, index) => {
    const chunk = Buffer.alloc(1, index);
    request.emit("data", chunk);
    return new WeakRef(chunk);
  });
  await new Promise((resolve) => setImmediate(resolve));
  gc();
  expect(chunks.filter((chunk) => chunk.deref() !== undefined)).toEqual([]);
  request.emit("end");
  expect(await body).toMatchObject({ kind: "whole", bytes: Buffer.from(Array.from({ length: 500 }, (_, index) => index)) });
});
