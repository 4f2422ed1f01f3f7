/**
 * An installed host whose real gateway runs as root: moved by a person's signed command, as the page gives it. Everything that Clawhold
 * does with that gateway goes on: its figures, its restart, its posture. The way back is in isolate.test.ts.
 *
 * With CLAWHOLD_LAB_ALL=1: it starts the gateway three times.
 */
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { closeAll, type Closers } from "../../agent/edge/closers.ts";
import { hostLayout } from "../../agent/host/units/layout.ts";
import type { CheckId } from "../../protocol/posture.ts";
import { receiptOf } from "../e2e/operator.ts";
import { clawhold, type RunningEdge } from "../net/product.ts";
import { startEdge } from "./edge.ts";
import { GATEWAY_PORT, gatewayAnswers, gatewayShown, startGateway } from "./gateway.ts";
import { Machine } from "./machine.ts";
import { Network } from "./network.ts";
import { findingOf, Scanner } from "./scan.ts";

const PATIENCE = { timeout: 180_000, interval: 500 };
const SLOW_MILLISECONDS = 900_000;
const isAll = process.env["CLAWHOLD_LAB_ALL"] === "1";
const layout = hostLayout();

const closers: Closers = [];
let edge: RunningEdge;
let machine: Machine;
let host: string;

afterAll(() => closeAll(closers));

async function status(): Promise<unknown> {
  const { code, stdout } = await machine.run(["/usr/bin/cat", layout.linkStatus]);
  return code === 0 ? JSON.parse(stdout) : undefined;
}

const owner = async (): Promise<string> => {
  const { stdout } = await machine.run(["/usr/bin/pgrep", "-x", "openclaw-gatewa", "-l"]);
  const pid = /^\d+/.exec(stdout)?.[0] ?? "0";
  return (await machine.run(["/usr/bin/stat", "-c", "%U", `/proc/${pid}`])).stdout.trim();
};

const log = async (): Promise<string> =>
  (await machine.run(["/usr/bin/journalctl", "-u", "openclaw-isolated", "-n", "40", "--no-pager"])).stdout;

describe.skipIf(!isAll)("an installed host with root's gateway", () => {
  beforeAll(async () => {
    const network = new Network();
    closers.push(() => network.close());
    const shown = await gatewayShown();
    [edge, machine] = await Promise.all([startEdge(closers), Machine.started({ network, shown })]);
    closers.push(() => machine.remove());
    await startGateway(machine, { user: "root" });
    const url = `ws://127.0.0.1:${String(GATEWAY_PORT)}`;
    const adding = clawhold(edge.installed, "host", "add", "--gateway", url);
    const command = String((await adding.mustSay((said) => said["event"] === "add"))["command"]);
    await machine.must(["/bin/bash", "-s"], { input: `${command}\n` });
    host = (JSON.parse(await machine.read(layout.hostFile)) as { readonly host: string }).host;
    await edge.operator.admitFirstHost(host);
  }, SLOW_MILLISECONDS);

  const ended = async (sent: Awaited<ReturnType<typeof edge.operator.build>>) => {
    await edge.operator.submit(sent);
    return receiptOf(await edge.operator.ended(sent, host, 300));
  };
  const running = () => expect.poll(status, PATIENCE).toMatchObject({ tunnel: "connected", gateway: "running" });

  it(
    "has it moved by one signed command, and goes on with it",
    async () => {
      await running();
      expect(await owner()).toBe("root");
      const config = await machine.read("/root/.openclaw/openclaw.json");
      const asked = async () => {
        const planned = await edge.operator.read(host, "posture.plan@1", { check: "usr.dedicated" });
        if (planned.kind !== "plan") throw new Error(planned.code);
        return planned;
      };
      const { plan, subject } = await vi.waitFor(asked, PATIENCE);
      expect(plan.blocked, plan.notes.join(" ")).toBeUndefined();

      // A daily fix of that check is none.
      const daily = await edge.operator.build("posture.fix@1", host, {
        args: { check: "usr.dedicated" },
        expect: { subject },
      });
      expect(await ended(daily)).toMatchObject({ verdict: "failed" });
      expect(await owner()).toBe("root");

      const moved = await ended(
        await edge.operator.build("gateway.isolate@1", host, { args: {}, expect: { subject } }),
      );
      expect(moved, JSON.stringify(moved)).toMatchObject({ verdict: "executed" });
      expect(await owner()).toBe("openclaw");
      await gatewayAnswers(machine);
      const state = "/home/openclaw/.openclaw";
      expect(JSON.parse(await machine.read(`${state}/openclaw.json`))).toMatchObject(
        JSON.parse(config) as Record<string, unknown>,
      );

      // With the device that was paired before, and the configuration where it is now.
      await running();
      const restart = await ended(await edge.operator.build("gateway.restart@1", host));
      // A cold start on a busy machine may outlast the command's own patience; that it was told is what counts here.
      expect(restart?.observed.gatewayBootBefore, await log()).toBeDefined();
      await gatewayAnswers(machine);
      expect(await owner()).toBe("openclaw");

      const scanner = await Scanner.on(machine);
      const report = await scanner.scan("slow");
      // Not unit.resources: the lab's control groups enforce no limit, and the check says so.
      const confined: readonly CheckId[] = [
        "usr.dedicated",
        "usr.no-sudo",
        "usr.setuid-reach",
        "usr.single-tenant",
        "agent.split",
        "unit.starts",
        "unit.score",
        "unit.probes",
        "gw.state.perms",
      ];
      const states = confined.map((check) => [check, findingOf(report, check).state]);
      expect(states, JSON.stringify(confined.map((check) => findingOf(report, check)))).toEqual(
        confined.map((check) => [check, "pass"]),
      );
    },
    SLOW_MILLISECONDS,
  );
});
