#!/usr/bin/env node
// Starts Clawhold under whatever Node somebody has (16 or newer): installs what is missing from the lockfile,
// builds when sources are newer than the build, then runs the program under the Node that the lockfile pins.
// Plain CommonJS on purpose: it must run before anything is installed. It may not import a package.
"use strict";
const { spawn, spawnSync } = require("node:child_process");
const fs = require("node:fs");
const os = require("node:os");
const path = require("node:path");

const root = path.dirname(__dirname);
const isClone = fs.existsSync(path.join(root, "package-lock.json")) && fs.existsSync(path.join(root, "protocol"));

function say(sentence) {
  process.stderr.write(`${sentence}\n`);
}

function fail(sentence) {
  say(sentence);
  process.exit(1);
}

function readJson(file) {
  try {
    return JSON.parse(fs.readFileSync(path.join(root, file), "utf8"));
  } catch (error) {
    if (error.code === "ENOENT") return undefined;
    throw error;
  }
}

/** Packages that lock and need agree on: everything, or only what runs (development tools left out). */
function missingPackage(withTools) {
  const wanted = readJson("package-lock.json").packages;
  const have = (readJson("node_modules/.package-lock.json") || { packages: {} }).packages;
  return Object.keys(wanted).find((name) => {
    const entry = wanted[name];
    if (name === "" || entry.optional || (entry.dev && !withTools)) return false;
    return !have[name] || have[name].version !== entry.version;
  });
}

function install(withTools) {
  if (missingPackage(withTools) === undefined && pinnedNode() !== undefined) return;
  say(withTools ? "Installing from the lockfile, with development tools." : "Installing from the lockfile.");
  const cli = process.env.npm_execpath;
  const [command, first] = cli && cli.endsWith(".js") ? [process.execPath, [cli]] : ["npm", []];
  const flags = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
  const args = [...first, ...flags, ...(withTools ? ["--include=dev"] : ["--omit=dev"])];
  const done = spawnSync(command, args, { cwd: root, stdio: ["ignore", 2, 2] });
  if (done.error && done.error.code === "ENOENT") fail("npm was not found. Install Node with npm, then type it again.");
  if (done.status !== 0)
    fail("The installation did not finish; npm's reason is above. Type it again when that is solved.");
}

/** The Node binary of the locked platform package, or this one where it is new enough. */
function pinnedNode() {
  try {
    const name = `node-${process.platform}-${process.arch}/package.json`;
    return path.join(path.dirname(require.resolve(name, { paths: [root] })), "bin", "node");
  } catch (error) {
    if (error.code !== "MODULE_NOT_FOUND") throw error;
  }
  const [major, minor] = process.versions.node.split(".").map(Number);
  return major === 24 && minor >= 16 ? process.execPath : undefined;
}

function newestSource(folder) {
  let newest = 0;
  for (const entry of fs.readdirSync(folder, { withFileTypes: true })) {
    const full = path.join(folder, entry.name);
    newest = Math.max(newest, entry.isDirectory() ? newestSource(full) : fs.statSync(full).mtimeMs);
  }
  return newest;
}

function build(node) {
  const mark = path.join(root, "dist", ".built");
  const built = fs.existsSync(mark) ? fs.statSync(mark).mtimeMs : 0;
  const folders = ["protocol", "durable-objects", "worker", "agent", "web", "migrations"].map((f) =>
    path.join(root, f),
  );
  const newest = Math.max(...folders.map(newestSource), fs.statSync(path.join(root, "package-lock.json")).mtimeMs);
  if (built > newest) return;
  const done = spawnSync(node, [path.join(root, "agent", "build.mjs")], { cwd: root, stdio: ["ignore", 2, 2] });
  if (done.status !== 0) fail("The build failed; the reason is above.");
}

function run(node, args) {
  const env = { ...process.env, PATH: `${path.dirname(node)}${path.delimiter}${process.env.PATH || ""}` };
  const child = spawn(node, args, { stdio: "inherit", env });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1"]) process.on(signal, () => child.kill(signal));
  child.on("error", (error) => fail(`The pinned Node could not be started (${error.code}).`));
  child.on("exit", (code, signal) => process.exit(signal ? 128 + (os.constants.signals[signal] || 1) : code));
}

/** As agent/cli/up/agent-process.ts, which says why. */
const AGENT_FLAGS = ["--no-warnings", "--expose-gc", "--no-opt", "--no-maglev", "--max-semi-space-size=1"];

const args = process.argv.slice(2);
const task = args[0] === "--task" ? args[1] : undefined;
if (isClone) install(task !== undefined);
const node = pinnedNode();
if (node === undefined) {
  fail(
    `No Node 24 for ${process.platform} ${process.arch} is in the lockfile. Install Node 24.16 or newer and type it again.`,
  );
}
if (task !== undefined) {
  run(node, [path.join(root, "test", "tasks", `${task}.ts`), ...args.slice(2)]);
} else {
  if (isClone) build(node);
  const isAgent = args[0] === "host" && args[1] === "run";
  const program = isAgent ? [...AGENT_FLAGS, "agent.cjs"] : ["--no-warnings", "clawhold.mjs"];
  const file = path.join(root, "dist", program.pop());
  run(node, [...program, file, ...args]);
}
