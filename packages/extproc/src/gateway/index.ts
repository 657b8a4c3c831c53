/** The HTTP gateway's public surface; compose.ts is its caller. */
export { createBackendDirectory, type Backend, type BackendDirectory } from "./backends.ts";
export { createGateway, type BoundListener, type Gateway, type GatewayLimits, type GatewayListener } from "./server.ts";
