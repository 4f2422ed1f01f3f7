/**
 * The demo gateway: a real, pinned OpenClaw on loopback with throw-away state and a model provider of ours, so that
 * somebody without a gateway sees real sessions, tokens and cost. It is started only when a person asked for it, and
 * it ends with us.
 */
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { mkdir, open, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { probeReadiness } from "../gateway/probe.ts";
import { keepActive } from "./activity.ts";
import { demoConfiguration, demoEnvironment } from "./configuration.ts";
import { DEMO_VERSION, installGateway } from "./install.ts";
import { findFreePort, firstPortOf } from "./ports.ts";
import { startProvider } from "./provider.ts";
import { EXIT_CONFIGURATION, supervise } from "./supervise.ts";
import type { Supervised } from "./supervise.ts";
import { DemoError } from "./trouble.ts";
import { readWanted, wantedFileOf, writeWanted } from "./wanted-file.ts";

/** Five to ten seconds as a rule, fifteen on a cold cache; slow disks need more. */
const START_MILLISECONDS = 120_000;
const LOOK_MILLISECONDS = 300;
const TOKEN_BYTES = 32;

export interface DemoOptions {
  readonly dataDirectory: string;
  /** Where installations are kept; `demo` in the data directory unless given. */
  readonly installDirectory?: string;
  /** A Node that the pinned gateway accepts (24.16 or later of 24). */
  readonly node: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly agentVersion: string;
  readonly fetchAllowed: boolean;
  /** Sentences for people. */
  readonly say: (line: string) => void;
  /** Codes for the log. */
  readonly log: (code: string, detail: Readonly<Record<string, string>>) => void;
  /** False leaves the gateway empty, for tests that bring their own activity. */
  readonly withActivity?: boolean;
}

export interface DemoGateway {
  readonly url: string;
  readonly tokenFile: string;
  /** True after the gateway ended because it cannot use its configuration. */
  exitedOnConfiguration(): boolean;
  stop(): Promise<void>;
}

/** Resolves when the gateway says that it is ready. Throws `DemoError`; then nothing of it runs any more. */
export async function startDemoGateway(options: DemoOptions): Promise<DemoGateway> {
  const home = join(options.dataDirectory, "demo");
  const state = join(home, "state");
  await mkdir(join(state, "tmp"), { recursive: true, mode: 0o700 });
  const entry = await installGateway({
    directory: options.installDirectory ?? home,
    environment: options.environment,
    fetchAllowed: options.fetchAllowed,
    log: options.say,
  });
  const tokenFile = join(home, "gateway.token");
  await readOrMakeToken(tokenFile);
  const wantedFile = wantedFileOf(tokenFile);
  writeWanted(wantedFile, true);
  const providerKey = randomBytes(TOKEN_BYTES).toString("base64url");
  const provider = await startProvider(providerKey);
  const port = await findFreePort(firstPortOf(options.dataDirectory));
  const configuration = demoConfiguration({ state, port, providerUrl: provider.baseUrl });
  await writeFile(join(state, "openclaw.json"), JSON.stringify(configuration, undefined, 2), { mode: 0o600 });
  const output = await open(join(home, "gateway.out"), "w", 0o600);
  const path = options.environment["PATH"] ?? "/usr/bin:/bin";
  const gateway = supervise({
    program: options.node,
    parameters: [entry, "gateway", "run", "--port", String(port)],
    directory: state,
    environment: () => demoEnvironment(state, { token: readToken(tokenFile), providerKey }, path),
    wanted: () => readWanted(wantedFile),
    output: output.fd,
    log: options.log,
  });
  const activity = new AbortController();
  const stop = async (): Promise<void> => {
    activity.abort();
    await gateway.stop();
    await provider.close();
    await output.close();
  };
  options.say(`Starting the demo gateway (openclaw ${DEMO_VERSION}) on 127.0.0.1:${String(port)}.`);
  try {
    await untilReady(gateway, port, join(home, "gateway.out"));
  } catch (error) {
    await stop();
    throw error;
  }
  const url = `ws://127.0.0.1:${String(port)}`;
  if (options.withActivity !== false) void beActive({ url, tokenFile, options, signal: activity.signal });
  return { url, tokenFile, exitedOnConfiguration: () => gateway.exitCode() === EXIT_CONFIGURATION, stop };
}

interface Active {
  readonly url: string;
  readonly tokenFile: string;
  readonly options: DemoOptions;
  readonly signal: AbortSignal;
}

async function beActive({ url, tokenFile, options, signal }: Active): Promise<void> {
  const { agentVersion, log } = options;
  const deps = {
    url,
    get token() {
      return readToken(tokenFile);
    },
    agentVersion,
    log,
  };
  await keepActive(deps, signal).catch(() => log("demo_activity_ended", {}));
}

/** The file is the one place: an operation may have put another token there. */
function readToken(path: string): string {
  return readFileSync(path, "utf8").trim();
}

/** Random, made once for each data directory, readable by this user alone; it reaches the gateway by environment. */
async function readOrMakeToken(path: string): Promise<string> {
  const stored = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return "";
    throw error;
  });
  if (/^[0-9A-Za-z_-]{43}$/.test(stored.trim())) return stored.trim();
  const token = randomBytes(TOKEN_BYTES).toString("base64url");
  const beside = `${path}.new`;
  await writeFile(beside, `${token}\n`, { mode: 0o600 });
  await rename(beside, path);
  return token;
}

async function untilReady(gateway: Supervised, port: number, output: string): Promise<void> {
  const until = performance.now() + START_MILLISECONDS;
  while (performance.now() < until) {
    if (gateway.exitCode() === EXIT_CONFIGURATION) {
      throw new DemoError(
        "demo_configuration_refused",
        `The demo gateway refused the configuration that this program wrote for it. What it said is in ${output}. Start with --gateway none to go on without it.`,
      );
    }
    if ((await probeReadiness("127.0.0.1", port)).ready) return;
    await wait(LOOK_MILLISECONDS);
  }
  throw new DemoError(
    "demo_start_failed",
    `The demo gateway was not ready after two minutes. What it said is in ${output}. Start again, or with --gateway none to go on without it.`,
  );
}
