/** The backend simulator's public surface; the CLI, `npm start` and tests are its callers. */
export { parseSimulatorFlags, simulatorFlagHelp } from "./flags.ts";
export { createSimulator, type Simulator } from "./server.ts";
