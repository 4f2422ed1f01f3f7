/** A terminal in memory: runs a command as a person would and keeps what it said. */
import { runCli } from "../../../agent/cli/cli.ts";
import type { CliIo, ExitCode } from "../../../agent/cli/io.ts";

export interface Ran {
  readonly exit: ExitCode;
  readonly out: readonly string[];
  readonly err: readonly string[];
}

export function terminal(change: Partial<CliIo> = {}): {
  readonly io: CliIo;
  readonly out: string[];
  readonly err: string[];
} {
  const out: string[] = [];
  const err: string[] = [];
  const io: CliIo = {
    out: (line) => out.push(...line.split("\n")),
    err: (line) => err.push(...line.split("\n")),
    readInput: () => Promise.resolve(new Uint8Array()),
    ask: undefined,
    stopped: new Promise(() => undefined),
    environment: {},
    homeDirectory: "/nowhere",
    hostname: "test-host",
    pid: process.pid,
    uid: process.getuid?.() ?? 0,
    version: "0.0.0-test",
    node: process.execPath,
    entry: "/nowhere/clawhold.mjs",
    bundle: {
      agent: "/nowhere/agent.cjs",
      worker: "/nowhere/worker.js",
      web: "/nowhere/web",
      migrations: "/nowhere/migrations.json",
      release: "/nowhere/install",
    },
    ...change,
  };
  return { io, out, err };
}

export async function run(argv: readonly string[], change: Partial<CliIo> = {}): Promise<Ran> {
  const { io, out, err } = terminal(change);
  const exit = await runCli(argv, io);
  return { exit, out, err };
}
