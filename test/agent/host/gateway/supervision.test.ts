import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readWanted, wantedFileOf, writeWanted } from "../../../../agent/host/demo/wanted-file.ts";
import { gatewayProcesses, isAlive, signal } from "../../../../agent/host/gateway/gateway-process.ts";
import { listenerPid } from "../../../../agent/host/gateway/listener-pid.ts";
import { placeOf, type GatewayPlace } from "../../../../agent/host/gateway/place.ts";
import { rememberProcesses } from "../../../../agent/host/gateway/remembered.ts";
import {
  findGateway,
  renewGateway,
  rememberGateway,
  reviveGateway,
  startGateway,
  stopGateway,
  type Place,
} from "../../../../agent/host/gateway/supervision.ts";
import {
  command,
  keepUnit,
  keptUnit,
  unitOf,
  unitOfGroup,
  type Systemctl,
} from "../../../../agent/host/gateway/systemd-unit.ts";
import { targetOf } from "./fixtures/watching.ts";

/** A process of its own that listens like a gateway; `stubborn` ones ignore the polite signal. */
const program = (stubborn: boolean): string => `
  const http = require("node:http");
  ${stubborn ? 'process.on("SIGTERM", () => undefined);' : ""}
  process.on("SIGUSR2", () => process.stdout.write("restarted\\n"));
  const server = http.createServer((_q, a) => a.end('{"ready":true,"uptimeMs":1}'));
  server.listen(0, "127.0.0.1", () => process.stdout.write(server.address().port + "\\n"));
`;

let directory = "";
const children: ChildProcess[] = [];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "supervision-"));
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
  rmSync(directory, { recursive: true, force: true });
});

async function startProcess(stubborn = false): Promise<{ child: ChildProcess; port: number }> {
  const child = spawn(process.execPath, ["-e", program(stubborn)], { stdio: ["ignore", "pipe", "ignore"] });
  children.push(child);
  const port = await new Promise<number>((resolve) =>
    child.stdout.once("data", (text) => resolve(Number(String(text)))),
  );
  return { child, port };
}

function placeAt(port: number, place?: GatewayPlace, ownerUid?: number): Place {
  const target = targetOf(port, { ownerUid });
  return {
    target: () => Promise.resolve(target),
    directory,
    elapsed: () => performance.now(),
    wait: (milliseconds) => wait(milliseconds),
    ...(place === undefined ? {} : { place }),
  };
}

/** A service manager that notes what it is asked; its unit's main process is the one given. */
function manager(main: () => number | undefined, act: (verb: string) => void = () => undefined) {
  const asked: string[] = [];
  const run: Systemctl = (parameters) => {
    asked.push(parameters.join(" "));
    const verb = parameters.find((word) => !word.startsWith("-")) ?? "";
    act(verb);
    return Promise.resolve({ ok: true, output: verb === "show" ? `${String(main() ?? 0)}\n` : "" });
  };
  return { asked, run };
}

const none = manager(() => undefined).run;

describe("stopping", () => {
  it("ends a process that nobody keeps, and waits until nothing listens", async () => {
    const { child, port } = await startProcess();
    expect(await stopGateway(placeAt(port), { run: none })).toBe("stopped");
    expect(child.exitCode ?? child.signalCode).not.toBeNull();
    expect(await stopGateway(placeAt(port), { run: none })).toBe("already_stopped");
    expect(await startGateway(placeAt(port), { run: none })).toBe("no_supervisor");
  });

  it("cuts off one that does not go", async () => {
    const { port } = await startProcess(true);
    expect(await stopGateway(placeAt(port), { run: none, milliseconds: 300 })).toBe("stopped");
  });

  it("leaves a process alone whose port the configuration of another user names", async () => {
    const { child, port } = await startProcess();
    const place = placeAt(port, undefined, userInfo().uid + 4_242);
    expect(await findGateway(place)).toBeUndefined();
    expect(await stopGateway(place, { run: none })).toBe("not_permitted");
    expect(child.exitCode).toBeNull();
  });

  it("tells the demo's supervisor, which then does it", async () => {
    const { child, port } = await startProcess();
    const tokenFile = join(directory, "gateway.token");
    writeFileSync(tokenFile, "x");
    const place = placeOf({ kind: "demo", url: `ws://127.0.0.1:${String(port)}`, tokenFile }, anywhere);
    const stopping = stopGateway(placeAt(port, place), { run: none });
    while (readWanted(wantedFileOf(tokenFile)).runs) await wait(20);
    child.kill("SIGKILL");
    expect(await stopping).toBe("stopped");
    expect(await startGateway(placeAt(port, place), { run: none, milliseconds: 100 })).toBe("not_started");
    expect(readWanted(wantedFileOf(tokenFile)).runs).toBe(true);
  });
});

/** Passes its listening socket on to a child that goes on without it, and that ignores the polite signal. */
const PARENT = `
  if (process.argv[2] === "child") {
    process.on("SIGTERM", () => undefined);
    process.on("message", (_message, server) => { globalThis.held = server; process.send("held"); });
    setInterval(() => undefined, 60_000);
  } else {
    const server = require("node:net").createServer().listen(0, "127.0.0.1", () => {
      const child = require("node:child_process").fork(__filename, ["child"]);
      child.once("message", () => process.stdout.write(server.address().port + " " + child.pid + "\\n"));
      child.send("take", server);
    });
  }`;

describe("a hostile gateway", () => {
  it("does not live on in a child that inherited its socket", async () => {
    const file = join(directory, "parent.cjs");
    writeFileSync(file, PARENT);
    const parent = spawn(process.execPath, [file], { stdio: ["ignore", "pipe", "ignore"] });
    children.push(parent);
    const said = await new Promise<string>((resolve) => parent.stdout.once("data", (text) => resolve(String(text))));
    const [port = 0, child = 0] = said.split(" ").map(Number);
    const both = await gatewayProcesses(port, undefined);
    expect(both.map(({ pid }) => pid).toSorted((a, b) => a - b)).toEqual([parent.pid, child]);
    expect(await gatewayProcesses(port, userInfo().uid + 4_242)).toEqual([]);
    expect(await listenerPid(port, userInfo().uid + 4_242)).toBeUndefined();
    expect([parent.pid, child]).toContain(await listenerPid(port, userInfo().uid));
    expect(await stopGateway(placeAt(port), { run: none, milliseconds: 300 })).toBe("stopped");
    expect(await Promise.all(both.map(isAlive))).toEqual([false, false]);
  });

  it("is found though its configuration names another port than it listens on", async () => {
    const { child, port } = await startProcess();
    await rememberGateway(placeAt(port), { run: none });
    expect(await stopGateway(placeAt(await freePort()), { run: none })).toBe("stopped");
    expect(child.signalCode).toBe("SIGTERM");
    expect(await stopGateway(placeAt(await freePort()), { run: none })).toBe("already_stopped");
  });

  it("is found when it moved to a port that nobody knows", async () => {
    const { child, port } = await startProcess();
    await rememberProcesses(directory, await gatewayProcesses(port, undefined), await freePort());
    expect(await stopGateway(placeAt(await freePort()), { run: none })).toBe("stopped");
    expect(child.signalCode).toBe("SIGTERM");
  });

  it("is not forgotten for a decoy that listens where the configuration points now", async () => {
    const [real, decoy] = [await startProcess(true), await startProcess()];
    await rememberGateway(placeAt(real.port), { run: none });
    await rememberGateway(placeAt(decoy.port), { run: none });
    expect(await stopGateway(placeAt(decoy.port), { run: none, milliseconds: 300 })).toBe("stopped");
    expect([real.child.signalCode, decoy.child.signalCode]).toEqual(["SIGKILL", "SIGTERM"]);
  });

  it("is not said to be down when it was never seen", async () => {
    expect(await stopGateway(placeAt(await freePort()), { run: none })).toBe("not_found");
  });

  it("is not said to be down when what was kept of it is damaged", async () => {
    writeFileSync(join(directory, "process.json"), "{}", { mode: 0o600 });
    expect(await stopGateway(placeAt(await freePort()), { run: none })).toBe("not_found");
  });

  it("never takes this agent itself with it", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    const port = typeof address === "object" ? (address?.port ?? 0) : 0;
    expect(await gatewayProcesses(port, undefined)).toEqual([]);
    expect(await stopGateway(placeAt(port), { run: none })).toBe("not_permitted");
    server.close();
  });
});

describe("the unit that was seen", () => {
  it.each([
    ["inactive", "already_stopped"],
    ["failed", "already_stopped"],
    ["", "not_found"],
    ["sleeping", "not_found"],
  ])("that is %j answers %s where nothing was found", async (state, result) => {
    keepUnit(directory, { v: 1, scope: "system", uid: 0, name: "g.service" });
    const run: Systemctl = () => Promise.resolve({ ok: true, output: `${state}\n` });
    expect(await stopGateway(placeAt(await freePort()), { run })).toBe(result);
  });

  it("is stopped when it runs on and nothing listens where the configuration points", async () => {
    keepUnit(directory, { v: 1, scope: "system", uid: 0, name: "g.service" });
    let state = "active";
    const run: Systemctl = (parameters) => {
      if (parameters.includes("stop")) state = "inactive";
      return Promise.resolve({ ok: true, output: `${state}\n` });
    };
    expect(await stopGateway(placeAt(await freePort()), { run })).toBe("stopped");
    expect(state).toBe("inactive");
  });
});

const anywhere = { environment: {}, homeDirectory: "/nowhere" };

describe("a process", () => {
  it("is not signalled by its number when another began under it", async () => {
    const { child, port } = await startProcess();
    const [found] = await gatewayProcesses(port, undefined);
    expect(found?.pid).toBe(child.pid);
    if (found === undefined) throw new TypeError("a listening child has a process");
    expect(await signal({ ...found, began: "1" }, "SIGKILL")).toBe(false);
    expect(await isAlive(found)).toBe(true);
  });

  it("that nobody keeps is asked to restart in place, and not renewed", async () => {
    const { child, port } = await startProcess();
    const said = new Promise((resolve) => child.stdout?.once("data", (text) => resolve(String(text))));
    expect(await reviveGateway(placeAt(port), await findGateway(placeAt(port)), { run: none })).toBe(true);
    expect(await said).toBe("restarted\n");
    expect(await renewGateway(placeAt(port), { run: none })).toBe(false);
    expect(child.exitCode).toBeNull();
  });
});

describe("a unit", () => {
  it.each([
    ["0::/system.slice/openclaw-gateway.service", { scope: "system", uid: 0, name: "openclaw-gateway.service" }],
    [
      "0::/user.slice/user-1000.slice/user@1000.service/app.slice/openclaw-gateway-x.service",
      { scope: "user", uid: 1000, name: "openclaw-gateway-x.service" },
    ],
    ["12:pids:/a\n1:name=systemd:/system.slice/g.service\n", { scope: "system", uid: 0, name: "g.service" }],
  ])("is read from %s", (text, unit) => expect(unitOfGroup(text)).toEqual({ v: 1, ...unit }));

  it.each([
    "0::/user.slice/user-1000.slice/session-3.scope",
    "0::/user.slice/user-1000.slice/user@1000.service",
    "0::/system.slice/-x.service",
    "0::/system.slice/a b.service",
    "0::/",
    "",
  ])("is not read from %j", (text) => expect(unitOfGroup(text)).toBeUndefined());

  it("is nobody's that only contains the process", async () => {
    const found = { pid: process.pid, began: "1", uid: 0 };
    const { run } = manager(() => 1);
    expect(await unitOf(found, { run, ownUid: 0 })).toBeUndefined();
  });

  it("is spoken to in its own manager, as an argument list", async () => {
    const unit = { v: 1, scope: "user", uid: 1000, name: "g.service" } as const;
    const { asked, run } = manager(() => undefined);
    await command(unit, ["stop", "--no-block"], { run, ownUid: 0 });
    await command(unit, ["stop", "--no-block"], { run, ownUid: 1000 });
    await command({ ...unit, scope: "system" }, ["start", "--no-block"], { run, ownUid: 0 });
    expect(asked).toEqual([
      "--user --machine=1000@.host stop --no-block -- g.service",
      "--user stop --no-block -- g.service",
      "start --no-block -- g.service",
    ]);
  });

  it("starts again what was seen running in it, and only that", async () => {
    const { port } = await startProcess();
    const { asked, run } = manager(() => undefined);
    const down = placeAt(port + 1 > 65_535 ? 1 : await freePort());
    expect(await startGateway(down, { run, milliseconds: 1 })).toBe("no_supervisor");
    keepUnit(directory, { v: 1, scope: "system", uid: 0, name: "g.service" });
    expect(keptUnit(directory)).toMatchObject({ name: "g.service" });
    expect(await startGateway(down, { run, milliseconds: 1 })).toBe("not_started");
    expect(asked).toEqual(["reset-failed -- g.service", "start --no-block -- g.service"]);
  });
});

async function freePort(): Promise<number> {
  const { child, port } = await startProcess();
  child.kill("SIGKILL");
  await new Promise((resolve) => child.once("exit", resolve));
  return port;
}

it("what the supervisor is told has one spelling", () => {
  const path = join(directory, "gateway.wanted");
  expect(readWanted(path)).toEqual({ runs: true, request: "" });
  writeWanted(path, false);
  expect(readWanted(path)).toMatchObject({ runs: false });
  writeFileSync(path, "stopped");
  expect(readWanted(path)).toEqual({ runs: true, request: "" });
});
