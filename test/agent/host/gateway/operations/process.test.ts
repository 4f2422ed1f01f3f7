import { spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { GatewayOperationName, Performed } from "../../../../../agent/host/gateway/control-interface.ts";
import { openDevice } from "../../../../../agent/host/gateway/device.ts";
import { GatewayError } from "../../../../../agent/host/gateway/faults.ts";
import type { GatewayTools } from "../../../../../agent/host/gateway/operations/implementation.ts";
import { gatewayImplementations } from "../../../../../agent/host/gateway/operations/table.ts";
import { field } from "../../../../../agent/host/gateway/wire.ts";
import { targetOf } from "../fixtures/watching.ts";

const BOOT = "11111111-2222-3333-4444-555555555555";
/** Listens where the gateway should; a process of its own, because it is going to be ended. */
const LISTENER = `require("node:http").createServer((_q, a) => a.end('{"ready":true,"uptimeMs":1}'))
  .listen(0, "127.0.0.1", function () { process.stdout.write(this.address().port + "\\n"); });`;

let directory = "";
let child: ChildProcess;
let port = 0;
/** What the gateway answers by method; an error is thrown. */
let answers: Record<string, unknown> = {};
let told: string[] = [];

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "process-"));
  const started = spawn(process.execPath, ["-e", LISTENER], { stdio: ["ignore", "pipe", "ignore"] });
  child = started;
  port = await new Promise((resolve) => started.stdout.once("data", (text) => resolve(Number(String(text)))));
  answers = {};
  told = [];
});
afterEach(() => {
  child.kill("SIGKILL");
  rmSync(directory, { recursive: true, force: true });
});

function tools(changes: Partial<GatewayTools> = {}): GatewayTools {
  const target = targetOf(port);
  return {
    open: () =>
      Promise.resolve({
        hello: { version: "2026.9.6", bootId: BOOT, configHash: undefined, deviceToken: undefined },
        call: (method, parameters) => {
          const subject = ["deviceId", "nodeId", "requestId"]
            .map((name) => field(parameters, name))
            .find((value) => typeof value === "string");
          told.push(typeof subject === "string" ? `${method} ${subject}` : method);
          const answer = answers[told.at(-1) ?? ""] ?? answers[method] ?? {};
          return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
        },
        close: () => undefined,
        ended: new Promise(() => undefined),
      }),
    target: () => Promise.resolve(target),
    directory,
    questions: undefined,
    wait: (milliseconds) => wait(milliseconds),
    elapsed: () => performance.now(),
    now: () => 1_795_000_000,
    log: () => undefined,
    ...changes,
  };
}

const perform = (operation: GatewayOperationName, by = tools(), expected = {}): Promise<Performed> =>
  gatewayImplementations[operation].perform(
    { operation, args: {}, content: undefined, intent: "A".repeat(43), author: "p-ada", expect: expected },
    by,
  );
const isUp = (): boolean => child.exitCode === null && child.signalCode === null;

describe("kill", () => {
  it("takes every pairing away that is not ours, and what waits, then ends the process", async () => {
    const own = (await openDevice(directory, "warden")).device.id;
    answers = {
      "device.pair.list": {
        paired: [{ deviceId: own }, { deviceId: "d1" }, { deviceId: "d2" }, { deviceId: 7 }],
        pending: [
          { requestId: "r1", deviceId: "d3" },
          { requestId: "r2", deviceId: own },
        ],
      },
      "node.pair.list": { paired: [{ nodeId: "n1" }], pending: [{ requestId: "r3" }] },
    };
    expect(await perform("gateway.kill@1")).toEqual({ verdict: "executed", observed: { changed: 3 } });
    expect(told).toEqual([
      "node.pair.list",
      "node.pair.reject r3",
      "node.pair.remove n1",
      "device.pair.list",
      "device.pair.reject r1",
      "device.pair.remove d1",
      "device.pair.remove d2",
    ]);
    expect(isUp()).toBe(false);
  });

  it("tries every part whatever became of the others, and says what is left", async () => {
    answers = {
      "node.pair.list": new GatewayError("timeout"),
      "device.pair.list": { paired: [{ deviceId: "d1" }, { deviceId: "d2" }] },
      "device.pair.remove d1": new GatewayError("refused"),
    };
    const done = await perform("gateway.kill@1");
    expect(done).toEqual({ verdict: "executed", observed: { changed: 1, reason: "pairings_left" } });
    expect(isUp()).toBe(false);
  });

  it.each([
    ["a text for rows", { paired: "all" }],
    ["a text", "no"],
    ["rows that are none", { paired: [null, 7, { deviceId: "x".repeat(9_999) }] }],
  ])("ends the process of a gateway that lists %s", async (_what, list) => {
    answers = { "device.pair.list": list };
    expect((await perform("gateway.kill@1")).verdict).toBe("executed");
    expect(told.some((line) => line.startsWith("device.pair.remove"))).toBe(false);
    expect(isUp()).toBe(false);
  });

  it("needs no gateway that answers", async () => {
    const deaf = tools({ open: () => Promise.reject(new GatewayError("timeout")) });
    expect(await perform("gateway.kill@1", deaf)).toEqual({
      verdict: "executed",
      observed: { changed: 0, reason: "pairings_unreached" },
    });
    expect(isUp()).toBe(false);
  });
});

describe("stop", () => {
  it("is of the boot that was shown", async () => {
    expect(await perform("gateway.stop@1", tools(), { gatewayBoot: "another-boot" })).toMatchObject({
      verdict: "failed",
      observed: { reason: "changed" },
    });
    expect(isUp()).toBe(true);
    expect(await perform("gateway.stop@1", tools(), { gatewayBoot: BOOT })).toEqual({
      verdict: "executed",
      observed: { gatewayBootBefore: BOOT },
    });
    expect(isUp()).toBe(false);
    expect(await perform("gateway.start@1")).toEqual({ verdict: "failed", observed: { reason: "no_supervisor" } });
  });

  it("leaves a process alone that is not the configuration's owner's, and says so", async () => {
    const target = targetOf(port, { ownerUid: 4_242_424 });
    const by = tools({ target: () => Promise.resolve(target) });
    expect(await perform("gateway.stop@1", by)).toMatchObject({ observed: { reason: "not_permitted" } });
    expect((await perform("gateway.kill@1", by)).verdict).toBe("failed");
    expect(isUp()).toBe(true);
  });
});
