/**
 * Tried from inside a confinement, by this program started in it (`posture.cjs try inside <spec>`): what a taken-over gateway would
 * try first. Each try undoes itself at once, and says only whether it worked. What it finds is not looked at.
 */
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chmod, lstat, mkdtemp, open, readFile, readdir, rm, rmdir, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import * as v from "valibot";

const path = v.pipe(v.string(), v.regex(/^\/[^\0]{0,4000}$/));
export const insideSpecSchema = v.strictObject({
  uid: v.pipe(v.number(), v.safeInteger()),
  /** Of other people. */
  homes: v.pipe(v.array(path), v.maxLength(64)),
  /** The gateway's own directory. */
  state: path,
});
export type InsideSpec = v.InferOutput<typeof insideSpecSchema>;

export const insideTries = [
  "shadow",
  "root",
  "homes",
  "processes",
  "mount",
  "unshare",
  "write-usr",
  "write-etc",
  "exec-state",
  "bind",
  "capabilities",
  "seccomp",
] as const;
export type InsideTry = (typeof insideTries)[number];

/** `reached`: it worked. `untried`: there was nothing to try it on. */
export const insideOutcomes = ["denied", "reached", "untried"] as const;
export type InsideOutcome = (typeof insideOutcomes)[number];
export const insideAnswerSchema = v.strictObject(
  Object.fromEntries(insideTries.map((name) => [name, v.picklist(insideOutcomes)])) as Record<
    InsideTry,
    v.PicklistSchema<typeof insideOutcomes, undefined>
  >,
);
export type InsideAnswer = v.InferOutput<typeof insideAnswerSchema>;

const PROGRAM_MILLISECONDS = 3_000;

export async function tryInside(spec: InsideSpec): Promise<InsideAnswer> {
  const { uid, homes, state } = spec;
  const status = await readFile("/proc/self/status", "utf8");
  return {
    shadow: await outcomeOf(async () => (await open("/etc/shadow", "r")).close()),
    root: await outcomeOf(() => looking("/root", state)),
    homes: homes.length === 0 ? "untried" : await anyOf(homes.map((home) => () => looking(home, state))),
    processes: await foreignProcesses(uid),
    mount: await outcomeOf(() => mounting()),
    unshare: await outcomeOf(() => program("/usr/bin/unshare", ["--user", "--map-root-user", "/bin/true"])),
    "write-usr": await outcomeOf(() => writing("/usr")),
    "write-etc": await outcomeOf(() => writing("/etc")),
    "exec-state": process.geteuid?.() === 0 ? "untried" : await outcomeOf(() => executing(state)),
    bind: (await canListen()) ? "reached" : "denied",
    capabilities: /^Cap(?:Prm|Eff|Amb):\t0*[1-9a-f]/m.test(status) ? "reached" : "denied",
    seccomp: /^Seccomp:\t2$/m.test(status) && /^NoNewPrivs:\t1$/m.test(status) ? "denied" : "reached",
  };
}

/** Whatever stops it, stops it. */
async function outcomeOf(attempt: () => Promise<unknown>): Promise<InsideOutcome> {
  try {
    await attempt();
    return "reached";
  } catch {
    return "denied";
  }
}

async function anyOf(attempts: readonly (() => Promise<unknown>)[]): Promise<InsideOutcome> {
  for (const attempt of attempts) if ((await outcomeOf(attempt)) === "reached") return "reached";
  return "denied";
}

/**
 * An empty directory in another's place is what a confinement puts there. The gateway's own state does not count: one that was moved
 * sees it under its former path too.
 */
export async function looking(directory: string, state: string): Promise<void> {
  for (const name of await readdir(directory)) if (!(await isSame(join(directory, name), state))) return;
  throw new Error("nothing to see");
}

async function isSame(left: string, right: string): Promise<boolean> {
  try {
    const [one, other] = await Promise.all([lstat(left), lstat(right)]);
    return one.dev === other.dev && one.ino === other.ino;
  } catch {
    return false; // one that cannot be looked at is not the gateway's own
  }
}

async function foreignProcesses(uid: number): Promise<InsideOutcome> {
  for (const name of await readdir("/proc")) {
    if (!/^[1-9]\d*$/.test(name)) continue;
    const status = await readFile(`/proc/${name}/status`, "utf8").catch(() => "");
    const owner = /^Uid:\t(\d+)\t/m.exec(status)?.[1];
    if (owner !== undefined && Number(owner) !== uid) return "reached";
  }
  return "denied";
}

async function mounting(): Promise<void> {
  const directory = await mkdtemp("/tmp/clawhold-probe-");
  try {
    await program("/usr/bin/mount", ["-t", "tmpfs", "none", directory]);
    await program("/usr/bin/umount", [directory]);
  } finally {
    await rmdir(directory);
  }
}

async function writing(directory: string): Promise<void> {
  const file = join(directory, `.clawhold-probe-${randomBytes(8).toString("hex")}`);
  await (await open(file, "wx", 0o600)).close();
  await rm(file);
}

/** Never as root: whoever owns the directory could put a program of his own in the file's place. */
async function executing(directory: string): Promise<void> {
  const file = join(directory, `.clawhold-probe-${randomBytes(8).toString("hex")}`);
  await writeFile(file, "#!/bin/true\n", { flag: "wx", mode: 0o700 });
  try {
    await chmod(file, 0o700);
    await program(file, []);
  } finally {
    await rm(file);
  }
}

/** Whether this process may listen, on all addresses. */
export function canListen(): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(0, "0.0.0.0", () => server.close(() => resolve(true)));
  });
}

function program(file: string, parameters: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, parameters, { stdio: "ignore", timeout: PROGRAM_MILLISECONDS, killSignal: "SIGKILL" });
    child.once("error", reject);
    child.once("close", (code) => (code === 0 ? resolve() : reject(new Error("refused"))));
  });
}

/** One word, for a command line. */
export function encodeSpec(spec: InsideSpec): string {
  return Buffer.from(JSON.stringify(spec)).toString("base64url");
}

/** Undefined: not one of ours. */
export function decodeSpec(word: string): InsideSpec | undefined {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(word, "base64url").toString("utf8"));
  } catch {
    return undefined;
  }
  const result = v.safeParse(insideSpecSchema, value);
  return result.success ? result.output : undefined;
}

/** Undefined: not what `tryInside` says. */
export function parseAnswer(text: string): InsideAnswer | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  const result = v.safeParse(insideAnswerSchema, value);
  return result.success ? result.output : undefined;
}
