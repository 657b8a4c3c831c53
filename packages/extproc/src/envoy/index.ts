/** Envoy's ext_proc protocol: the server, and the loaded protocol for clients in tests. Nothing else leaves this folder. */
export { loadProtocol, serviceName, type ExternalProcessorClient, type Protocol } from "./protocol.ts";
export type { ProcessingMode, ProcessingRequestInput, ProcessingResponseOutput } from "./protocol.ts";
export { createExtProcServer, type ExtProcServer, type ExtProcServerOptions, type TlsFiles } from "./server.ts";
