// Compiles packages/cache/assembly/scan.ts to WebAssembly, embedded as base64. `--check` fails when the committed file is stale.
// Usage: node scripts/generate-scan.mjs [--check]
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

const cache = path.join(path.dirname(fileURLToPath(import.meta.url)), "../packages/cache");
const compiler = path.join(cache, "node_modules/assemblyscript/bin/asc.js");
const generated = path.join(cache, "src/index/gen/scan.ts");
const options = ["-O3", "--noAssert", "--runtime", "stub", "--enable", "simd", "--enable", "threads", "--importMemory", "--sharedMemory"];
const memory = ["--initialMemory", "1", "--maximumMemory", "65536"];

const scratch = mkdtempSync(path.join(tmpdir(), "turnout-scan-"));
let module;
try {
  const output = path.join(scratch, "scan.wasm");
  execFileSync(process.execPath, [compiler, "assembly/scan.ts", ...options, ...memory, "--outFile", output], {
    cwd: cache,
    stdio: ["ignore", "ignore", "inherit"],
  });
  module = readFileSync(output).toString("base64");
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

const text = `// Made by scripts/generate-scan.mjs from packages/cache/assembly/scan.ts; do not edit.
/** scanModule is the compiled scan, base64. */
export const scanModule =
  "${module}";
`;
if (!process.argv.includes("--check")) {
  writeFileSync(generated, text);
} else if (readFileSync(generated, "utf8") !== text) {
  console.error("packages/cache/src/index/gen/scan.ts is stale: run node scripts/generate-scan.mjs");
  process.exitCode = 1;
}
