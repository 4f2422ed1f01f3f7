/**
 * Puts the pinned gateway of the demo into the data directory with the user's own npm, from a lockfile that names every
 * package with its digest. Install scripts never run. It touches nothing outside its directory, and never the project.
 */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFile, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { DemoError } from "./trouble.ts";

export const DEMO_VERSION = "2026.9.6";
/** Written last: its presence says that npm finished. */
const COMPLETE = ".complete";
const MANIFESTS = ["package.json", "package-lock.json"] as const;
/** Half an hour covers a very slow line; 650 MB took 33 s here. */
const INSTALL_MILLISECONDS = 1_800_000;
const PROGRESS_MILLISECONDS = 10_000;
/** What npm says is shown only when it fails, and then only its end. */
const MAX_OUTPUT_CHARACTERS = 2_000;

export interface InstallOptions {
  /** The version's own folder is made below it. */
  readonly directory: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** False refuses to download; an installation that is complete is used all the same. */
  readonly fetchAllowed: boolean;
  /** One sentence for people. */
  readonly log: (line: string) => void;
}

/** The path of the gateway's entry file. Throws `DemoError`. */
export async function installGateway(options: InstallOptions): Promise<string> {
  const folder = join(options.directory, `openclaw-${DEMO_VERSION}`);
  const entry = join(folder, "node_modules", "openclaw", "openclaw.mjs");
  const manifests = join(dirname(fileURLToPath(import.meta.url)), "openclaw");
  const wanted = await readFile(join(manifests, "package-lock.json"), "utf8");
  if ((await readFile(join(folder, COMPLETE), "utf8").catch(() => "")) === completeMark(wanted)) return entry;
  if (!options.fetchAllowed) {
    throw new DemoError(
      "demo_not_installed",
      "The demo gateway is not installed, and fetching it was not allowed. Start again with --gateway demo to fetch it (650 MB from npm), or with --gateway none.",
    );
  }
  // A half-finished installation is not repaired: it goes.
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true, mode: 0o700 });
  for (const name of MANIFESTS) await copyFile(join(manifests, name), join(folder, name));
  options.log(
    `Fetching the demo gateway (openclaw ${DEMO_VERSION}, 650 MB on disk) with npm. This takes about a minute.`,
  );
  await runNpm(folder, options);
  await writeFile(join(folder, COMPLETE), completeMark(wanted));
  options.log("The demo gateway is installed.");
  return entry;
}

/** Ties the mark to this very lockfile: another pin installs again. */
function completeMark(lock: string): string {
  return `${DEMO_VERSION} ${createHash("sha256").update(lock).digest("hex")}\n`;
}

/**
 * The user's own settings (registry, proxy, cache) stay; what an outer `npm start` says about *its* package goes, or
 * npm might work on that one.
 */
function npmEnvironment(environment: InstallOptions["environment"]): Record<string, string | undefined> {
  const foreign =
    /^(?:npm_(?:package|lifecycle)_|npm_config_(?:local_prefix|prefix|global|omit|include)$|npm_command$|INIT_CWD$)/;
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !foreign.test(name)));
}

function runNpm(folder: string, options: InstallOptions): Promise<void> {
  const started = performance.now();
  const child = spawn("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], {
    cwd: folder,
    env: npmEnvironment(options.environment),
    stdio: ["ignore", "pipe", "pipe"],
    timeout: INSTALL_MILLISECONDS,
  });
  let output = "";
  const keep = (part: Buffer): void => {
    output = (output + part.toString("utf8")).slice(-MAX_OUTPUT_CHARACTERS);
  };
  child.stdout.on("data", keep);
  child.stderr.on("data", keep);
  const progress = setInterval(() => {
    options.log(`Still fetching the demo gateway (${String(Math.round((performance.now() - started) / 1_000))} s).`);
  }, PROGRESS_MILLISECONDS);
  return new Promise((resolve, reject) => {
    child.on("error", (error: NodeJS.ErrnoException) => {
      clearInterval(progress);
      reject(
        new DemoError(
          "demo_npm_missing",
          `npm could not be started (${error.code ?? "unknown"}), and the demo gateway is fetched with it. Install npm, or start with --gateway none.`,
        ),
      );
    });
    child.on("close", (code, signal) => {
      clearInterval(progress);
      if (code === 0) return resolve();
      const how = code === null ? `was ended by ${signal ?? "a signal"}` : `ended with code ${String(code)}`;
      reject(
        new DemoError(
          "demo_fetch_failed",
          `npm ${how} while it fetched the demo gateway. Check the network and the free disk space (1 GB), and start again.\n${output.trim()}`,
        ),
      );
    });
  });
}
