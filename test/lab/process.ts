/** Programs of this machine, run to their end without holding up the tests: argument lists only, with a limit on time and output. */
import { spawn } from "node:child_process";

/** Nothing that a test asks of a machine takes longer, on a busy processor. */
const PATIENCE_SECONDS = 120;
const OUTPUT_BYTES = 16_777_216;

export interface RunOptions {
  readonly input?: string | Uint8Array;
  readonly environment?: Readonly<Record<string, string>>;
  readonly timeoutSeconds?: number;
}

export interface Ended {
  /** 128 + signal number is not made up here: a program that a signal ended has code -1. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** Standard output as it came. */
  readonly bytes: Uint8Array;
}

/** Runs a program and tells how it ended, whatever that was. Throws when it cannot start or does not end. */
export function run(argv: readonly string[], options: RunOptions = {}): Promise<Ended> {
  const [file = "", ...rest] = argv;
  const { input, environment, timeoutSeconds = PATIENCE_SECONDS } = options;
  return new Promise((resolve, reject) => {
    const child = spawn(file, rest, {
      stdio: ["pipe", "pipe", "pipe"],
      env: environment ?? { PATH: process.env["PATH"] ?? "" },
    });
    const out: Buffer[] = [];
    const errors: Buffer[] = [];
    let size = 0;
    const keep = (list: Buffer[]) => (part: Buffer) => {
      size += part.length;
      if (size > OUTPUT_BYTES) child.kill("SIGKILL");
      else list.push(part);
    };
    child.stdout.on("data", keep(out));
    child.stderr.on("data", keep(errors));
    child.stdin.on("error", () => undefined); // it ended before it read everything: its code tells
    child.stdin.end(input ?? "");
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      child.kill("SIGKILL");
    }, timeoutSeconds * 1_000);
    child.on("error", (error) => {
      clearTimeout(timer);
      reject(error);
    });
    child.on("close", (code) => {
      clearTimeout(timer);
      const bytes = Buffer.concat(out);
      const stderr = Buffer.concat(errors).toString("utf8");
      if (late) reject(new Error(`${argv.join(" ")}: not done after ${String(timeoutSeconds)} s. ${stderr}`));
      else resolve({ code: code ?? -1, stdout: bytes.toString("utf8"), stderr, bytes });
    });
  });
}

/** As `run`, of a program that must like it; resolves to its standard output. */
export async function must(argv: readonly string[], options: RunOptions = {}): Promise<string> {
  const { code, stdout, stderr } = await run(argv, options);
  if (code !== 0) throw new Error(`${argv.join(" ")}: code ${String(code)}\n${stderr}${stdout}`);
  return stdout;
}
