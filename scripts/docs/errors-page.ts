/** docs/errors.md: the error catalogue. */
import { errorCatalogue } from "../../packages/shared/src/errors.ts";
import { code, page, table } from "./markdown.ts";

/** errorsPage prints every code. */
export function errorsPage(): string {
  const rows = Object.entries(errorCatalogue).map(([name, { http, grpc, help, remedy }]) => [code(name), String(http), grpc, help, remedy]);
  return page("Errors", [
    'Every failure that Turnout names. The message says what was expected, what came and what to do; the code picks the HTTP status, the gRPC status and the metric\'s label. The management API and routed requests answer in OpenAI\'s shape, `{"error": {"message", "type", "code"}}`.',
    "A signal or plugin that fails is never a client's error: the request goes on with what is known, and `x-vsr-response-warnings` says so ([headers and metrics](headers-and-metrics.md)).",
    table(["code", "HTTP", "gRPC", "what has happened", "what to do"], rows),
  ]);
}
