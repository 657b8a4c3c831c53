/** Sub-path "./redis": the backend that keeps entries in Redis, its settings, and what its Redis user must be allowed. */
export { RedisBackend, type RedisBackendOptions } from "../backends/redis.ts";
export type { RedisEvent, RedisEventListener, RedisOperation } from "./event.ts";
export type { FailureReason } from "./failure.ts";
export { redisAclRule } from "./keys.ts";
