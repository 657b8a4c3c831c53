/** The backend simulator's public surface; the CLI, `npm start` and tests are its callers. Its flags are read by `turnout simulate`. */
export { createSimulator, type Simulator } from "./server.ts";
