/**
 * A copy of a tree that somebody else owns, into one that somebody else owns: read with the former user's rights and written with the
 * new one's, by two processes that know nothing else. So whatever links the former user left or puts there meanwhile, nothing is
 * read that he could not read, and nothing is written outside.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";

const TAR = "/usr/bin/tar";
const MAX_SAID = 2_000;

interface As {
  readonly uid: number;
  readonly gid: number;
}

export interface Copying {
  readonly from: string;
  readonly to: string;
  readonly reader: As;
  readonly writer: As;
  readonly milliseconds: number;
}

export class CopyError extends Error {
  override readonly name = "CopyError";
}

/** `to` is there, empty, and the writer's. Rights of others are left behind. @throws {CopyError} with what tar said */
export async function copyState({ from, to, reader, writer, milliseconds }: Copying): Promise<void> {
  const signal = AbortSignal.timeout(milliseconds);
  const common = { cwd: "/", env: { PATH: "/usr/bin:/bin", LC_ALL: "C" }, signal, killSignal: "SIGKILL" } as const;
  const source = spawn(TAR, ["--create", "--file=-", "--mode=u+rwX,go=,a-s", "--sparse", `--directory=${from}`, "."], {
    ...common,
    ...reader,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const target = spawn(
    TAR,
    ["--extract", "--file=-", "--preserve-permissions", "--no-same-owner", `--directory=${to}`],
    {
      ...common,
      ...writer,
      stdio: ["pipe", "ignore", "pipe"],
    },
  );
  const ends = [ended(source), ended(target)];
  source.stdout.pipe(target.stdin);
  target.stdin.on("error", () => undefined); // it ended; its exit says why
  const failures = (await Promise.all(ends)).filter((said) => said !== undefined);
  if (failures.length > 0) throw new CopyError(`the state could not be copied: ${failures.join(" ")}`.slice(0, 500));
}

/** What it said, if it did not end well. */
async function ended(child: ChildProcess): Promise<string | undefined> {
  let said = "";
  child.stderr?.on("data", (part: Buffer) => (said = (said + part.toString()).slice(0, MAX_SAID)));
  try {
    await once(child, "close");
  } catch (error) {
    return error instanceof Error ? error.message : "unknown";
  }
  return child.exitCode === 0
    ? undefined
    : said.trim() || `it ended with ${String(child.exitCode ?? child.signalCode)}`;
}
