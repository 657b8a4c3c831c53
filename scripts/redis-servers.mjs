// Brings the real Redis servers that the cache's tests talk to, into the tools folder and nowhere else; no service is started:
//
//   node scripts/redis-servers.mjs redis                      the Redis of this machine (PATH), or that of its apt suite
//   node scripts/redis-servers.mjs redis-8 valkey-8           from a newer suite of the same apt sources; says so when there is none
//   node scripts/redis-servers.mjs <server> --command         print the command line that starts it as JSON, or exit with 3
//
// Packages are downloaded by apt with a state of its own, without root, and unpacked with all libraries they need; the server then runs
// with its own loader, whatever this machine's libc is. Plain Node without dependencies, because the bootstrap of `npm test` calls it.

import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const ABSENT = 3;
const LIMIT_MS = 180_000;
const root = dirname(dirname(fileURLToPath(import.meta.url)));
const toolsFolder = resolve(process.env.TURNOUT_TOOLS_DIR ?? join(root, ".tools"));

/** The "-tools" packages hold the server's program: the "-server" packages only add a service. `suite` null is the machine's own. */
const servers = {
  redis: { package: "redis-tools", binary: "redis-check-rdb", name: "redis-server", suite: null },
  "redis-8": { package: "redis-tools", binary: "redis-check-rdb", name: "redis-server", suite: "trixie" },
  "valkey-8": { package: "valkey-tools", binary: "valkey-check-rdb", name: "valkey-server", suite: "trixie" },
};

/** Unobtainable is a reason why a server cannot be had here; the message is for people. */
class Unobtainable extends Error {}

function run(command, args, options = {}) {
  return spawnSync(command, args, { encoding: "utf8", timeout: LIMIT_MS, ...options });
}

function answersVersion([command, ...args]) {
  return run(command, [...args, "--version"], { timeout: 20_000 }).stdout?.match(/v=(\d+\.\d+\.\d+)/)?.[1];
}

const manifestOf = (name) => join(toolsFolder, `${name}-server`, "command.json");

/** commandOf gives the words that start a server, or null when it is not here. */
function commandOf(name) {
  if (existsSync(manifestOf(name))) return JSON.parse(readFileSync(manifestOf(name), "utf8"));
  return servers[name].suite === null && answersVersion(["redis-server"]) !== undefined ? ["redis-server"] : null;
}

function codename() {
  const release = existsSync("/etc/os-release") ? readFileSync("/etc/os-release", "utf8") : "";
  const value = (key) => release.match(new RegExp(`^${key}="?([^"\n]*)"?$`, "m"))?.[1] ?? "";
  return { distribution: value("ID"), suite: value("VERSION_CODENAME") };
}

/** sourcesFor copies the machine's apt sources; for another suite only those of the distribution itself, with the suite's name replaced. */
function sourcesFor(wanted, folder) {
  const { distribution, suite } = codename();
  if (wanted !== null && (distribution !== "debian" || suite === "")) throw new Unobtainable(`no ${wanted} packages for this distribution`);
  mkdirSync(folder, { recursive: true });
  const parts = "/etc/apt/sources.list.d";
  const files = ["/etc/apt/sources.list", ...(existsSync(parts) ? readdirSync(parts).map((file) => join(parts, file)) : [])];
  for (const file of files) {
    if (!/\.(list|sources)$/.test(file) || !existsSync(file)) continue;
    const text = readFileSync(file, "utf8");
    const word = new RegExp(`(^|[\\s/])${suite}(?=[-/\\s]|$)`, "m");
    if (wanted === null) writeFileSync(join(folder, basename(file)), text);
    else if (word.test(text)) writeFileSync(join(folder, basename(file)), text.replaceAll(new RegExp(word, "gm"), `$1${wanted}`));
  }
}

/** download lets apt fetch the package and everything it depends on: an empty status file means that nothing is installed. */
function download(wanted, work, suite) {
  const state = join(work, "apt");
  for (const folder of ["lists/partial", "archives/partial"]) mkdirSync(join(state, folder), { recursive: true });
  writeFileSync(join(state, "status"), "");
  sourcesFor(suite, join(state, "sources"));
  const options = [
    `Dir::Etc::sourcelist=/dev/null`,
    `Dir::Etc::sourceparts=${join(state, "sources")}`,
    `Dir::State::lists=${join(state, "lists")}`,
    `Dir::State::status=${join(state, "status")}`,
    `Dir::Cache=${state}`,
    `Dir::Cache::archives=${join(state, "archives")}`,
    "Debug::NoLocking=1",
    ...(process.getuid?.() === 0 ? ["APT::Sandbox::User=root"] : []),
  ].flatMap((option) => ["-o", option]);
  for (const words of [["update"], ["install", "-y", "--download-only", "--no-install-recommends", wanted]]) {
    const { status, stderr, error } = run("apt-get", [...options, ...words]);
    if (error) throw new Unobtainable(`apt-get could not be started (${error.message})`);
    if (status !== 0) throw new Unobtainable(`apt-get ${words.join(" ")} failed: ${stderr.trim().split("\n").at(-1)}`);
  }
  return readdirSync(join(state, "archives"))
    .filter((file) => file.endsWith(".deb"))
    .map((file) => join(state, "archives", file));
}

/** launcher is the command line of an unpacked server: its loader, its libraries, its name. */
function launcher(folder, { binary, name }) {
  const [triplet, loader] =
    process.arch === "arm64" ? ["aarch64-linux-gnu", "ld-linux-aarch64.so.1"] : ["x86_64-linux-gnu", "ld-linux-x86-64.so.2"];
  const libraries = ["lib", "usr/lib"].map((part) => join(folder, part, triplet));
  const found = libraries.map((part) => join(part, loader)).find((path) => existsSync(path));
  if (found === undefined) throw new Unobtainable(`no ${loader} among the packages`);
  return [found, "--library-path", libraries.join(":"), "--argv0", name, join(folder, "usr/bin", binary)];
}

/** install unpacks beside its place and renames at the end: a killed or parallel installation leaves no half server. */
function install(name) {
  const present = commandOf(name);
  if (present !== null) return present;
  const { package: wanted, suite } = servers[name];
  const folder = dirname(manifestOf(name));
  const work = `${folder}.${process.pid}.partial`;
  process.stderr.write(`${name}: fetching ${wanted} with apt (about 13 MB) ...\n`);
  try {
    mkdirSync(join(work, "root"), { recursive: true });
    for (const file of download(wanted, work, suite)) {
      const { status, error } = run("dpkg", ["-x", file, join(work, "root")]);
      if (error || status !== 0) throw new Unobtainable(`dpkg could not unpack ${basename(file)}`);
    }
    rmSync(join(work, "apt"), { recursive: true });
    const command = launcher(join(work, "root"), servers[name]);
    const version = answersVersion(command);
    if (version === undefined) throw new Unobtainable(`what apt brought as ${wanted} does not run here`);
    writeFileSync(join(work, "command.json"), JSON.stringify(command.map((word) => word.replaceAll(work, folder))));
    if (!existsSync(folder)) renameSync(work, folder);
    process.stderr.write(`${name}: ${version} is ready\n`);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return commandOf(name);
}

function main(words) {
  const names = words.filter((word) => word !== "--command");
  if (names.length === 0 || names.some((name) => !Object.hasOwn(servers, name))) {
    process.stderr.write(`usage: node scripts/redis-servers.mjs <${Object.keys(servers).join("|")}>... [--command]\n`);
    return 2;
  }
  if (words.includes("--command")) {
    const command = commandOf(names[0]);
    if (command === null) return ABSENT;
    process.stdout.write(`${JSON.stringify(command)}\n`);
    return 0;
  }
  let status = 0;
  for (const name of names) {
    try {
      install(name);
    } catch (error) {
      if (!(error instanceof Unobtainable)) throw error;
      process.stderr.write(`${name} is not obtainable here: ${error.message}\n`);
      // A newer suite is a bonus; the machine's own Redis is not.
      if (servers[name].suite === null) status = 1;
    }
  }
  return status;
}

process.exitCode = main(process.argv.slice(2));
