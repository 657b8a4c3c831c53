/** The selection algorithms Turnout knows: `decisions[].algorithm.type`. A new one is a file and a line. */
import { staticSelection } from "./static.ts";

export const algorithms = [staticSelection] as const;
