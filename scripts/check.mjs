// Check: everything about the sources that needs no run. Prints each step, stops at the first that fails.
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const steps = [
  ["types", "node_modules/typescript/bin/tsc", "-b"],
  ["types of tests", "node_modules/typescript/bin/tsc", "-p", "test"],
  ["types of benchmarks", "node_modules/typescript/bin/tsc", "-p", "bench"],
  ["types of training", "node_modules/typescript/bin/tsc", "-p", "models/training"],
  ["types of scripts", "node_modules/typescript/bin/tsc", "-p", "scripts"],
  ["lint", "node_modules/oxlint/bin/oxlint", "--deny-warnings"],
  ["format", "node_modules/oxfmt/bin/oxfmt", "--check"],
  ["generated types", "scripts/generate-proto.mjs", "--check"],
  ["generated WebAssembly", "scripts/generate-wasm.mjs", "--check"],
  ["generated docs", "--conditions=source", "scripts/generate-docs.ts", "--check"],
  ["dead exports", "node_modules/knip/bin/knip.js"],
];

for (const [title, ...args] of steps) {
  const result = spawnSync(process.execPath, args, { cwd: root, encoding: "utf8" });
  if (result.status !== 0) {
    process.stderr.write(`✗ ${title}\n${result.stdout}${result.stderr}`);
    process.exit(1);
  }
  process.stderr.write(`✓ ${title}\n`);
}
