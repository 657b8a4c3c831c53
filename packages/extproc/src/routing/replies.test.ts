import { RouterError } from "@turnout/shared";
import { expect, it } from "vitest";
import { errorReply } from "./replies.ts";

it.each([
  ["body_too_large", 413, "invalid_request_error", "a prompt of 9 bytes"],
  ["overloaded", 503, "server_error", "a prompt of 9 bytes"],
  ["internal", 500, "server_error", "the router failed"],
] as const)("tells a client of %s what helps it, and nothing of a bug", (code, status, type, message) => {
  const reply = errorReply(new RouterError(code, "a prompt of 9 bytes"));
  expect(reply).toMatchObject({ status, details: `turnout_${code}` });
  expect(JSON.parse(reply.body)).toEqual({ error: { message, type, code: status } });
});
