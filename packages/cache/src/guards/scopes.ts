/** How much or which of many: the first or the last, all or any, the mean or the median. */
import { alternatives } from "./alternatives.ts";

export const scopes = alternatives("scope", [
  ["first initial", "second", "last final latest"],
  [
    "maximum max highest most largest biggest",
    "minimum min lowest least smallest fewest",
    "average mean",
    "median",
    "mode",
    "total sum overall",
    "range",
  ],
  [
    "all every each whole entire everything everyone",
    "any",
    "some several few certain",
    "none no nothing",
    "most",
    "half",
    "only",
    "both",
    "either",
    "neither",
    "one",
  ],
  ["local", "remote", "global", "national", "state federal", "international worldwide", "regional"],
  ["daily", "weekly", "monthly", "yearly annual annually", "hourly", "quarterly"],
  ["always", "never", "sometimes", "often usually", "rarely"],
]);
