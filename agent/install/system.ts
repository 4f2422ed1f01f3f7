/**
 * The machine under an installation: programs by argument vector, and users. Files are reached through the layout, whose root a
 * test puts elsewhere. No shell, bounded output, bounded time.
 */
import { execFile } from "node:child_process";

export interface Ran {
  readonly code: number;
  readonly out: string;
}

export interface System {
  /** Never rejects for what the program does; a program that is not there, or takes too long, has code 127. */
  readonly run: (argv: readonly string[]) => Promise<Ran>;
  /** Undefined where there is no such user. */
  readonly userOf: (name: string) => Promise<{ readonly uid: number; readonly gid: number } | undefined>;
}

const TIMEOUT_MILLISECONDS = 120_000;
const MAX_OUTPUT_BYTES = 65_536;
const NOT_RUN = 127;
const ENVIRONMENT = { PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", LC_ALL: "C" };

export const linuxSystem: System = { run, userOf };

function run([program = "", ...argv]: readonly string[]): Promise<Ran> {
  return new Promise((resolve) => {
    const options = { timeout: TIMEOUT_MILLISECONDS, maxBuffer: MAX_OUTPUT_BYTES, env: ENVIRONMENT };
    execFile(program, argv, options, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === "number" ? error.code : NOT_RUN;
      resolve({ code, out: `${stdout}${stderr}`.trim() });
    });
  });
}

async function userOf(name: string): Promise<{ readonly uid: number; readonly gid: number } | undefined> {
  const { code, out } = await run(["getent", "passwd", name]);
  const [, , uid, gid] = out.split(":");
  return code === 0 ? { uid: Number(uid), gid: Number(gid) } : undefined;
}
