/** The HTTP gateway's public surface; compose.ts loads it where the configuration has listeners. */
export { createGateway } from "./server.ts";
