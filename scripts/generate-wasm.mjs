// Compiles AssemblyScript to WebAssembly, embedded as base64. `--check` fails when a committed file is stale.
// Usage: node scripts/generate-wasm.mjs [--check]
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

const sharedMemory = ["--enable", "threads", "--sharedMemory", "--initialMemory", "1", "--maximumMemory", "65536"];
const modules = [
  {
    source: "packages/cache/assembly/scan.ts",
    generated: "packages/cache/src/index/gen/scan.ts",
    name: "scanModule",
    title: "scan",
    options: sharedMemory,
  },
  {
    source: "packages/classifier-pool/assembly/network.ts",
    generated: "packages/classifier-pool/src/embedded/gen/network.ts",
    name: "networkModule",
    title: "network",
    options: [],
  },
  {
    source: "packages/classifier-pool/assembly/neighbours.ts",
    generated: "packages/classifier-pool/src/embedded/gen/neighbours.ts",
    name: "neighboursModule",
    title: "search for neighbours",
    options: ["--enable", "relaxed-simd"],
  },
];

const root = path.join(path.dirname(fileURLToPath(import.meta.url)), "..");
const compiler = path.join(root, "packages/cache/node_modules/assemblyscript/bin/asc.js");

for (const module of modules) {
  const text = textOf(module);
  if (!process.argv.includes("--check")) {
    writeFileSync(path.join(root, module.generated), text);
  } else if (readFileSync(path.join(root, module.generated), "utf8") !== text) {
    console.error(`${module.generated} is stale: run node scripts/generate-wasm.mjs`);
    process.exitCode = 1;
  }
}

function textOf({ source, name, title, options }) {
  return `// Made by scripts/generate-wasm.mjs from ${source}; do not edit.
/** ${name} is the compiled ${title}, base64. */
export const ${name} =
  "${compiled(source, options).toString("base64")}";
`;
}

function compiled(source, options) {
  const always = ["-O3", "--noAssert", "--runtime", "stub", "--enable", "simd", "--importMemory"];
  const scratch = mkdtempSync(path.join(tmpdir(), "turnout-wasm-"));
  try {
    const output = path.join(scratch, "module.wasm");
    // The compiler names imports after the path of the source: it is started beside it.
    execFileSync(process.execPath, [compiler, path.basename(source), ...always, ...options, "--outFile", output], {
      cwd: path.join(root, path.dirname(source)),
      stdio: ["ignore", "ignore", "inherit"],
    });
    return readFileSync(output);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}
