/**
 * Runs one program to its end, with limits on time and output. No shell, no environment of ours but what is handed in. Which
 * programs may run is the caller's list: one for looking (linux.ts), another for mending (remedies/hands.ts).
 */
import { spawn } from "node:child_process";
import type { Ran } from "./machine.ts";

export const PROGRAM_PATH = "/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin";
export const MAX_OUTPUT_BYTES = 4 << 20;

export interface Bounds {
  readonly milliseconds: number;
  readonly maxBytes: number;
  readonly environment: Readonly<Record<string, string>>;
  readonly input?: string | undefined;
  /** After its end: how long its pipes may stay open, because a daemon that it started can hold them for ever. Absent: until they close. */
  readonly lingerMilliseconds?: number;
}

export function runBounded([program = "", ...rest]: readonly string[], bounds: Bounds): Promise<Ran> {
  const { milliseconds, maxBytes, environment, input, lingerMilliseconds } = bounds;
  return new Promise((resolve) => {
    const child = spawn(program, rest, {
      env: { PATH: PROGRAM_PATH, LC_ALL: "C", ...environment },
      stdio: ["pipe", "pipe", "pipe"],
    });
    const [out, err]: [Buffer[], Buffer[]] = [[], []];
    let size = 0;
    let verdict: "timeout" | "too_much" | undefined;
    const end = (why: "timeout" | "too_much"): void => {
      verdict ??= why;
      child.kill("SIGKILL");
    };
    const timer = setTimeout(() => end("timeout"), milliseconds);
    const take = (into: Buffer[]) => (part: Buffer) => {
      size += part.length;
      if (size > maxBytes) end("too_much");
      else into.push(part);
    };
    child.stdout.on("data", take(out));
    child.stderr.on("data", take(err));
    child.stdin.on("error", () => undefined); // it may end without reading
    child.stdin.end(input ?? "");
    let isOver = false;
    const done = (ran: Ran): void => {
      if (isOver) return;
      isOver = true;
      clearTimeout(timer);
      child.stdout.destroy();
      child.stderr.destroy();
      resolve(ran);
    };
    const ended = (code: number | null): void => {
      const [stdout, stderr] = [Buffer.concat(out).toString(), Buffer.concat(err).toString()];
      done(verdict === undefined ? { kind: "ran", exit: code ?? -1, stdout, stderr } : { kind: verdict });
    };
    child.once("error", () => done({ kind: "missing" }));
    child.once("close", ended);
    if (lingerMilliseconds !== undefined)
      child.once("exit", (code) => void setTimeout(() => ended(code), lingerMilliseconds));
  });
}
