/** The HTTP gateway's public surface; compose.ts is its caller. */
export { createBackendDirectory, type BackendDirectory } from "./backends.ts";
export { createGateway } from "./server.ts";
