/**
 * `pnpm bench <scope> [--json] [flags]`: runs one benchmark. Measurements come on stdout, one line each, as JSON with `--json` and
 * otherwise for people; progress comes on stderr. See bench/README.md.
 */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { renderLine } from "./render.ts";

const scopes = {
  pool: "pool.ts",
  extproc: "extproc.ts",
  cache: "cache.ts",
  batcher: "batcher.ts",
  tokens: "tokens.ts",
  "cache-index": "cache-index.ts",
} as const;
const [scope, ...flags] = process.argv.slice(2);
if (scope === undefined || !(scope in scopes)) {
  console.error(`pnpm bench <${Object.keys(scopes).join("|")}> [--json] [flags]`);
  process.exit(2);
}
const json = flags.includes("--json");
const file = fileURLToPath(new URL(scopes[scope as keyof typeof scopes], import.meta.url));
const child = spawn(process.execPath, ["--conditions=source", file, ...flags.filter((flag) => flag !== "--json")], {
  stdio: ["inherit", "pipe", "inherit"],
});
// The child hears a Ctrl-C of the terminal itself and puts its own processes away; a signal sent to this one alone is handed on.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => child.kill(signal));
createInterface({ input: child.stdout }).on("line", (line) => console.log(json ? line : renderLine(line)));
child.once("close", (code) => {
  process.exitCode = code ?? 1;
});
