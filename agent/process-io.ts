/**
 * The process around the commands, as values: its streams, its signals, what the build put beside the program. With the
 * two programs that use it (main.ts, host-main.ts), the only place in the agent that may touch `process`.
 */
import { readFileSync } from "node:fs";
import { homedir, hostname } from "node:os";
import { dirname, join } from "node:path";
import type { CliIo } from "./cli/io.ts";

async function readInput(maxBytes: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of process.stdin) {
    parts.push(part as Buffer);
    size += (part as Buffer).length;
    if (size > maxBytes) break;
  }
  return Buffer.concat(parts);
}

/** The first signal asks; a second one ends the process at once. */
let stop: () => void = () => undefined;
const stopped = new Promise<void>((resolve) => {
  stop = resolve;
});
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, stop);

/** A terminal that goes away takes us along; a service manager and logrotate mean "look again" by the same signal. */
let reload: (() => void) | undefined;
const hasTerminal = process.stdin.isTTY && process.stderr.isTTY;
let hungUp = 0;
process.on("SIGHUP", () => {
  if (!hasTerminal && reload !== undefined) return reload();
  hungUp += 1;
  if (hungUp > 1) process.exit(129);
  stop();
});
// Node's own answer to this signal is to open a debugger's port to every program of this user.
process.on("SIGUSR1", () => reload?.());

async function ask(question: string): Promise<string> {
  // Read when somebody asks: the agent, which never does, would carry it for as long as it lives.
  const { createInterface } = await import("node:readline/promises");
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  // While it asks, the terminal hands Ctrl-C to the question and not to the process.
  terminal.once("SIGINT", stop);
  try {
    return await Promise.race([terminal.question(question), stopped.then(() => "")]);
  } catch (error) {
    // Ctrl-D ends the question unanswered, which is an answer too.
    if (!(error instanceof Error && "code" in error && error.code === "ABORT_ERR")) throw error;
    process.stderr.write("\n");
    return "";
  } finally {
    terminal.close();
  }
}

// Whoever reads our output may leave first (a pager, `head`): that is no failure of ours.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit(0);
});

/** `entry`: the file of the program that runs. */
export function processIo(entry: string): CliIo {
  const beside = dirname(entry);
  return {
    out: (line) => void process.stdout.write(`${line}\n`),
    err: (line) => void process.stderr.write(`${line}\n`),
    readInput,
    ask: hasTerminal ? ask : undefined,
    ...(process.stdout.isTTY ? { columns: process.stdout.columns } : {}),
    stopped,
    onReload: (listener) => {
      reload = listener;
    },
    environment: process.env,
    homeDirectory: homeDirectory(),
    hostname: hostname(),
    pid: process.pid,
    uid: process.getuid?.() ?? 0,
    version: readFileSync(join(beside, "version"), "utf8").trim(),
    node: process.execPath,
    entry,
    bundle: {
      agent: join(beside, "agent.cjs"),
      worker: join(beside, "worker.js"),
      web: join(beside, "web"),
      migrations: join(beside, "migrations.json"),
      release: join(beside, "install"),
    },
  };
}

/** A user whom a service manager made for the moment has none, and is always told where its data is. */
function homeDirectory(): string {
  try {
    return homedir();
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ERR_SYSTEM_ERROR")) throw error;
    return "/nonexistent";
  }
}
