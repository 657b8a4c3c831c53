import { ApiError, modelNotFound } from "./api-error.ts";
import type { Random } from "./random.ts";
import type { FailureType } from "./settings.ts";

/** Injected failures: which request fails, and with what. Pure but for the random source. */

const FAILURES: Readonly<Record<FailureType, (model: string) => ApiError>> = {
  rate_limit: () => new ApiError(429, "RateLimitError", "Rate limit reached. Please try again later."),
  invalid_api_key: () => new ApiError(401, "AuthenticationError", "Incorrect API key provided."),
  context_length: () => new ApiError(400, "BadRequestError", "This model's maximum context length was exceeded.", "messages"),
  server_error: () => new ApiError(503, "ServerError", "The server is overloaded or not ready yet."),
  invalid_request: () => new ApiError(400, "BadRequestError", "The request is invalid."),
  model_not_found: modelNotFound,
};

/** injectedFailure draws whether this request fails, `rate` percent of the time, and how; null when it does not. */
export function injectedFailure(rate: number, types: readonly FailureType[], model: string, random: Random): ApiError | null {
  if (rate === 0 || random() * 100 >= rate) return null;
  const type = types[Math.floor(random() * types.length)] as FailureType;
  return FAILURES[type](model);
}
