import { spawn, type ChildProcess } from "node:child_process";
import { statSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { holdRunning } from "../../../agent/edge/backup/hold-running.ts";
import { openControl, type Control, type ControlDeps } from "../../../agent/edge/control.ts";
import type { EdgeEvent } from "../../../agent/edge/edge-log.ts";
import { EdgeError } from "../../../agent/shared/edge-error.ts";
import { areStill } from "../../../agent/edge/stand-still.ts";
import { unixRequest } from "../../../agent/edge/unix-http.ts";
import { eventually, makeDirectory } from "./fixtures/harness.ts";

let directory: ReturnType<typeof makeDirectory>;
let child: ChildProcess;
let control: Control | undefined;
let events: EdgeEvent[];
beforeEach(() => {
  directory = makeDirectory();
  events = [];
  child = spawn(process.execPath, ["-e", "setInterval(() => {}, 5)"], { stdio: "ignore" });
});
afterEach(async () => {
  await control?.close();
  control = undefined;
  child.kill("SIGKILL");
  directory.remove();
});

const socketPath = (): string => join(directory.path, "up.sock");
const pid = (): number => child.pid ?? 0;

async function open(change: Partial<ControlDeps> = {}): Promise<void> {
  control = await openControl(socketPath(), {
    writers: () => [pid()],
    setupLink: () => Promise.resolve(undefined),
    newKey: () => Promise.resolve("K".repeat(43)),
    log: (event) => events.push(event),
    ...change,
  });
}

describe("the door of the running program", () => {
  it("is for its own user", async () => {
    await open();
    expect(statSync(socketPath()).mode & 0o777).toBe(0o600);
  });

  it("hands out a link while there is no workspace, and a refusal after", async () => {
    const offer = { url: "http://clawhold.localhost:1/setup#seed=x", expires: 5 };
    let current: typeof offer | undefined = offer;
    await open({ setupLink: () => Promise.resolve(current) });
    const ask = () => unixRequest({ socketPath: socketPath(), path: "/setup-link", body: {}, timeoutSeconds: 5 });
    expect(JSON.parse((await ask()).text)).toEqual(offer);
    current = undefined;
    expect((await ask()).status).toBe(409);
    expect((await unixRequest({ socketPath: socketPath(), path: "/setup-link", timeoutSeconds: 5 })).status).toBe(404);
    expect((await unixRequest({ socketPath: socketPath(), path: "/x", body: {}, timeoutSeconds: 5 })).status).toBe(404);
  });
});

describe("a key that is asked for", () => {
  const ask = (job: string) =>
    unixRequest({ socketPath: socketPath(), path: `/new-key/${job}`, body: {}, timeoutSeconds: 5 });

  it("is made by the program that runs, for one of two jobs, and only its public half comes back", async () => {
    const jobs: string[] = [];
    await open({ newKey: async (job) => `${String(jobs.push(job))}` });
    expect(JSON.parse((await ask("dispatch")).text)).toEqual({ publicKey: "1" });
    expect(JSON.parse((await ask("ledger")).text)).toEqual({ publicKey: "2" });
    expect((await ask("root")).status).toBe(404);
    expect(jobs).toEqual(["dispatch", "ledger"]);
  });

  it("is refused with its sentence while one waits", async () => {
    await open({ newKey: () => Promise.reject(new EdgeError("key_waiting", "A key waits already.")) });
    const { status, text } = await ask("ledger");
    expect(status).toBe(409);
    expect(JSON.parse(text)).toMatchObject({ code: "key_waiting", detail: "A key waits already." });
  });
});

describe("a hold", () => {
  it("lasts until it is released, one at a time", async () => {
    await open();
    const hold = await holdRunning(socketPath());
    expect(areStill([pid()])).toBe(true);
    await expect(holdRunning(socketPath())).rejects.toMatchObject({ code: "backup_slow" });
    expect(areStill([pid()])).toBe(true);
    await hold.release();
    expect(hold.isOver).toBe(false);
    await eventually(() => !areStill([pid()]));
    const again = await holdRunning(socketPath());
    await again.release();
  });

  it("ends with whoever asked for it", async () => {
    await open();
    const asked = request({ socketPath: socketPath(), path: "/hold", method: "POST", agent: false });
    asked.on("error", () => undefined);
    await new Promise<void>((resolve) => {
      asked.on("response", (response) => response.once("data", () => resolve()).on("error", () => undefined));
      asked.end();
    });
    expect(areStill([pid()])).toBe(true);
    asked.destroy();
    await eventually(() => !areStill([pid()]));
    expect(events).toEqual([]); // not by the clock
  });

  it("ends by the clock, and whoever held it notices", async () => {
    await open({ maxHoldSeconds: 0.05 });
    const hold = await holdRunning(socketPath());
    await eventually(() => !areStill([pid()]));
    await hold.release();
    expect(hold.isOver).toBe(true);
    expect(events.map(({ code }) => code)).toEqual(["backup_held_long"]);
  });

  it("ends with the program", async () => {
    await open();
    await holdRunning(socketPath());
    await control?.close();
    control = undefined;
    await eventually(() => !areStill([pid()]));
  });

  it("notices a writer that died: another may write in its place", async () => {
    await open();
    const hold = await holdRunning(socketPath());
    child.kill("SIGKILL");
    await new Promise((resolve) => child.once("exit", resolve));
    await hold.release();
    expect(hold.isOver).toBe(true);
  });

  it("is refused where there is nothing to hold", async () => {
    child.kill("SIGKILL");
    await new Promise((resolve) => child.once("exit", resolve));
    await open({ writers: () => [pid()] });
    await expect(holdRunning(socketPath())).rejects.toMatchObject({ code: "backup_slow" });
  });
});
