import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { EdgeError } from "../../../agent/shared/edge-error.ts";
import { acquireLock, holderIn } from "../../../agent/shared/lock.ts";
import { eventually, makeDirectory } from "../edge/fixtures/harness.ts";

const SCRIPT = fileURLToPath(new URL("fixtures/take-lock.ts", import.meta.url));
const now = (): Date => new Date("2026-11-20T08:00:00Z");

let directory: ReturnType<typeof makeDirectory>;
let path: string;
const children: ChildProcess[] = [];

beforeEach(() => {
  directory = makeDirectory();
  path = join(directory.path, "lock");
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
  directory.remove();
});

interface Starter {
  readonly child: ChildProcess;
  readonly next: () => Promise<string>;
}

function startTaker(...extra: readonly string[]): Starter {
  const child = spawn(process.execPath, [SCRIPT, path, ...extra], { stdio: ["pipe", "pipe", "inherit"] });
  children.push(child);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return { child, next: async () => String((await lines.next()).value) };
}

function refusal(): EdgeError {
  try {
    acquireLock(path, now);
  } catch (error) {
    if (error instanceof EdgeError) return error;
  }
  throw new Error("the lock was given twice");
}

describe("the lock", () => {
  it("lets exactly one of several racing starters win, over a stale file too", async () => {
    writeFileSync(path, '{"pid":1,"started":"0","since":"2020-01-01T00:00:00.000Z"}\n');
    const starters = Array.from({ length: 4 }, () => startTaker());
    const results = await Promise.all(starters.map((starter) => starter.next()));
    expect(results.filter((line) => line === "won")).toHaveLength(1);
    for (const line of results.filter((line) => line !== "won")) expect(line).toMatch(/^locked /);
  });

  it("names the process that holds it and since when, and what to do", () => {
    const lock = acquireLock(path, now);
    const error = refusal();
    expect(error.code).toBe("locked");
    // The hour is that of the machine's own clock: people do not count in UTC, nor in milliseconds.
    const hour = String(now().getHours()).padStart(2, "0");
    expect(error.message).toContain(`process ${process.pid}, since 2026-11-20 ${hour}:00. Stop it`);
    expect(error.message).toContain(`kill ${process.pid}`);
    expect(holderIn(error)).toEqual({ pid: process.pid, since: "2026-11-20T08:00:00.000Z" });
    lock.release();
  });

  it("sends to clawhold up whoever meets an agent that it would start again", async () => {
    const above = acquireLock(path, now);
    mkdirSync(join(directory.path, "host"));
    path = join(directory.path, "host", "lock");
    const { child, next } = startTaker();
    expect(await next()).toBe("won");
    const { message } = refusal();
    expect(message).toContain(`process ${child.pid}, since `);
    expect(message).toContain(`Stop clawhold up: press Ctrl-C in its terminal, or type: kill ${process.pid}`);
    above.release();
    expect(refusal().message).toContain(`Stop it with: kill ${child.pid},`);
  });

  it("takes what only has the name of a lock above it for nobody", () => {
    mkdirSync(path);
    mkdirSync(join(directory.path, "host"));
    path = join(directory.path, "host", "lock");
    const lock = acquireLock(path, now);
    expect(refusal().message).toContain(`Stop it with: kill ${process.pid},`);
    lock.release();
  });

  it("is free again after a release and after the holder was killed", async () => {
    acquireLock(path, now).release();
    const { child, next } = startTaker();
    expect(await next()).toBe("won");
    child.kill("SIGKILL");
    await new Promise((resolve) => child.once("exit", resolve));
    const lock = acquireLock(path, now);
    expect(JSON.parse(readFileSync(path, "utf8"))).toMatchObject({ pid: process.pid });
    lock.release();
  });

  it("stays held while a process that inherited it lives, although its owner was killed", async () => {
    const { child, next } = startTaker("60");
    const grandchild = Number((await next()).replace("child ", ""));
    expect(await next()).toBe("won");
    child.kill("SIGKILL");
    await new Promise((resolve) => child.once("exit", resolve));
    try {
      expect(refusal().message).toContain("left over");
    } finally {
      process.kill(grandchild, "SIGKILL");
    }
    await eventually(() => !existsSync(`/proc/${grandchild}/fd/3`));
    acquireLock(path, now).release();
  });

  it("is free when its holder has ended, although its parent has not looked yet", async () => {
    // The shell becomes a sleep that never reaps; the holder in the background ends at once, having no input.
    const shell = spawn("sh", ["-c", '"$@" </dev/null & exec sleep 60', "sh", process.execPath, SCRIPT, path]);
    children.push(shell);
    const lines = createInterface({ input: shell.stdout })[Symbol.asyncIterator]();
    expect((await lines.next()).value).toBe("won");
    const { pid } = JSON.parse(readFileSync(path, "utf8"));
    await eventually(() => readFileSync(`/proc/${pid}/stat`, "utf8").includes(") Z "));
    acquireLock(path, now).release();
  });

  it("does not follow a symbolic link", () => {
    symlinkSync(join(directory.path, "elsewhere"), path);
    expect(() => acquireLock(path, now)).toThrow(/ELOOP/);
  });
});
