/** The backend simulator's public surface; the CLI, `npm start` and tests are its callers. */
export { parseSimulatorFlags, simulatorFlagHelp, type SimulatorFlags } from "./flags.ts";
export type { SeenRequest } from "./request-log.ts";
export { createSimulator, type Simulator, type SimulatorEnvironment } from "./server.ts";
export type { SimulatorInput, SimulatorSettings } from "./settings.ts";
