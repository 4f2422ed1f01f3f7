import { mkdtemp, open, readFile, rm } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { EXIT_CONFIGURATION, supervise, withDeathSignal } from "../../../../agent/host/demo/supervise.ts";
import type { Supervised } from "../../../../agent/host/demo/supervise.ts";

let directory = "";
let output: FileHandle;
let running: Supervised | undefined;
let logged: string[] = [];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "supervise-"));
  output = await open(join(directory, "out"), "w+");
  logged = [];
});

afterEach(async () => {
  await running?.stop();
  await output.close();
  await rm(directory, { recursive: true, force: true });
});

function run(script: string): Supervised {
  running = supervise({
    program: process.execPath,
    parameters: ["-e", script],
    directory,
    environment: () => ({}),
    output: output.fd,
    log: (code, detail) => logged.push(`${code} ${detail["code"] ?? ""}`),
  });
  return running;
}

async function said(count: number): Promise<string[]> {
  for (;;) {
    const lines = (await readFile(join(directory, "out"), "utf8")).split("\n").filter((line) => line !== "");
    if (lines.length >= count) return lines;
    await wait(20);
  }
}

/** A process that ended but that nobody has reaped yet does not live. */
async function lives(pid: string | undefined): Promise<boolean> {
  const status = await readFile(`/proc/${String(pid)}/stat`, "utf8").catch(() => "");
  return status !== "" && !/\) [ZX] /.test(status);
}

describe("supervise", () => {
  it("starts a crashed child again", async () => {
    run("console.log(process.pid); process.exit(1)");
    const [first, second] = await said(2);
    expect(second).not.toBe(first);
    expect(logged[0]).toBe("demo_gateway_ended 1");
  });

  it("gives up on a configuration that the child refuses", async () => {
    const child = run(`console.log("x"); process.exit(${String(EXIT_CONFIGURATION)})`);
    await said(1);
    while (child.exitCode() === undefined) await wait(20);
    expect(child.exitCode()).toBe(EXIT_CONFIGURATION);
  });

  it.runIf(process.platform === "linux")("takes the child's own children down with it", async () => {
    const child = run(`
      const { spawn } = require("node:child_process");
      const helper = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "ignore" });
      console.log(process.pid); console.log(helper.pid); setInterval(() => {}, 1000);`);
    const [pid, helper] = await said(2);
    await child.stop();
    while (await lives(helper)) await wait(20);
    expect(await lives(pid)).toBe(false);
  });

  it("says what it could not start", async () => {
    running = supervise({
      program: "/nonexistent/node",
      parameters: [],
      directory,
      environment: () => ({}),
      output: output.fd,
      log: (code) => logged.push(code),
    });
    while (logged.length === 0) await wait(20);
    expect(logged[0]).toBe("demo_gateway_ended");
  });

  it("asks the kernel to end the child with us where it can", () => {
    const [program, parameters] = withDeathSignal("/bin/true", ["a b"]);
    expect(program === "/bin/true" ? parameters : parameters.slice(-2)).toEqual(
      program === "/bin/true" ? ["a b"] : ["/bin/true", "a b"],
    );
  });

  it("starts it all the same where the kernel may not be asked", () => {
    // Under a filter of system calls setpriv is there, and fails.
    for (const setpriv of ["/bin/false", "/nonexistent/setpriv"])
      expect(withDeathSignal("/bin/true", ["a b"], setpriv)).toEqual(["/bin/true", ["a b"]]);
  });
});
