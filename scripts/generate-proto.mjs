// Generates TypeScript types from our .proto files with proto-loader-gen-types. `--check` fails when the committed files are stale.
// Usage: node scripts/generate-proto.mjs [--check]
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

const root = path.join(path.dirname(fileURLToPath(import.meta.url)), "..");

/** What is generated: a package with a proto/ folder beside src/, and its entry files. */
const targets = [
  { package: "packages/extproc", protos: ["envoy/service/ext_proc/v3/external_processor.proto"] },
  { package: "packages/classifier-pool", protos: ["classifier/v1/classifier.proto"] },
];

/** The options must be those the packages give to proto-loader at run time (protocol.ts in extproc/src/envoy and classifier-pool/src/remote). */
const options = ["--longs=Number", "--enums=String", "--oneofs", "--grpcLib=@grpc/grpc-js", "--importFileExtension=.ts"];

function generate(target, outDir) {
  const packageDir = path.join(root, target.package);
  const fromPackage = createRequire(path.join(packageDir, "package.json"));
  const generator = path.join(path.dirname(fromPackage.resolve("@grpc/proto-loader/package.json")), "build/bin/proto-loader-gen-types.js");
  const includeDir = path.join(packageDir, "proto");
  execFileSync(process.execPath, [generator, ...options, `--includeDirs=${includeDir}`, `--outDir=${outDir}`, ...target.protos], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  // The generator notes absolute paths; committed files must not depend on where the checkout lies.
  for (const [name, text] of filesBelow(outDir)) {
    writeFileSync(path.join(outDir, name), text.replaceAll(`${includeDir}${path.sep}`, "proto/"));
  }
}

function filesBelow(directory) {
  const entries = readdirSync(directory, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return new Map(
    entries.map((entry) => {
      const file = path.join(entry.parentPath, entry.name);
      return [path.relative(directory, file), readFileSync(file, "utf8")];
    }),
  );
}

let stale = false;
for (const target of targets) {
  const committed = path.join(root, target.package, "src/gen");
  if (!process.argv.includes("--check")) {
    rmSync(committed, { recursive: true, force: true });
    generate(target, committed);
    continue;
  }
  const scratch = mkdtempSync(path.join(tmpdir(), "turnout-proto-"));
  try {
    generate(target, scratch);
    const [expected, found] = [filesBelow(scratch), filesBelow(committed)];
    for (const name of new Set([...expected.keys(), ...found.keys()])) {
      if (expected.get(name) === found.get(name)) continue;
      stale = true;
      console.error(`${target.package}/src/gen/${name} is stale: run node scripts/generate-proto.mjs`);
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}
process.exitCode = stale ? 1 : 0;
