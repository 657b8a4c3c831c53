/** The front as a library: start the whole product in a process of your own. Pure routing is the sub-path "./routing". */
export { startTurnout, type Turnout, type TurnoutOptions } from "./compose.ts";
export { ConfigError, loadConfig, parseConfig, type RouterConfig } from "./config/index.ts";
