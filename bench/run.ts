/** `pnpm bench <scope>`: runs one benchmark, one JSON line per measurement on stdout, progress on stderr. See bench/README.md. */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const scopes = { pool: "pool.ts", extproc: "extproc.ts", batcher: "batcher.ts", tokens: "tokens.ts" } as const;
const [scope, ...flags] = process.argv.slice(2);
if (scope === undefined || !(scope in scopes)) {
  console.error(`pnpm bench <${Object.keys(scopes).join("|")}> [flags]`);
  process.exit(2);
}
const file = fileURLToPath(new URL(scopes[scope as keyof typeof scopes], import.meta.url));
process.exit(spawnSync(process.execPath, ["--conditions=source", file, ...flags], { stdio: "inherit" }).status ?? 1);
