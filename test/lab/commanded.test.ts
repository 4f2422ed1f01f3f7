/**
 * An installed host under real systemd, where what carries a command out is killed or asleep: the unit of a fix in its middle, the
 * timer that would take it back, and a warden that ended itself because nobody spoke to it.
 */
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { closeAll, type Closers } from "../../agent/edge/closers.ts";
import { hostLayout, UNITS } from "../../agent/host/units/layout.ts";
import type { CheckId } from "../../protocol/posture.ts";
import { receiptOf, type Sent } from "../e2e/operator.ts";
import { clawhold, type RunningEdge } from "../net/product.ts";
import { startEdge } from "./edge.ts";
import { Machine } from "./machine.ts";
import { Mender, type Tree } from "./mender.ts";
import { ADDRESS, Network } from "./network.ts";
import { Outside } from "./outside.ts";
import { Releases } from "./releases.ts";
import { OWNER } from "./root-file-system.ts";

const CLAWHOLD = "/usr/local/bin/clawhold";
const NODE = "/usr/local/bin/node";
const SYSTEMCTL = "/usr/bin/systemctl";
/** A warden ends a minute after the last word to it. */
const SLEEPY = { timeout: 240_000, interval: 2_000 };
const PATIENCE = { timeout: 120_000, interval: 500 };
const SLOW_MILLISECONDS = 600_000;
const layout = hostLayout();

/** Kills the program of a fix as soon as its record says that something may have been changed, and says whose record it was. */
const KILL_WHEN_ARMED = `
  const { readdirSync, readFileSync } = require("node:fs");
  const of = (fix) => { try { return JSON.parse(readFileSync(process.argv[1] + "/" + fix + "/record.json", "utf8")); } catch { return {}; } };
  const fixes = () => { try { return readdirSync(process.argv[1]); } catch { return []; } };
  for (;;) {
    const armed = fixes().map(of).find(({ state }) => state === "armed");
    if (armed === undefined) continue;
    process.kill(armed.holder.pid, "SIGKILL");
    process.stdout.write(armed.fix);
    process.exit();
  }`;

const closers: Closers = [];
let network: Network;
let edge: RunningEdge;
let machine: Machine;
let host: string;
let workspace: string;

beforeAll(async () => {
  network = new Network();
  closers.push(() => network.close());
  edge = await startEdge(closers);
});

afterAll(() => closeAll(closers));

/** A server that becomes a host as people have it done, and is admitted: from then on it is the one that is spoken of. */
async function install(server: "host" | "next"): Promise<void> {
  machine = await Machine.started({ network, server });
  closers.push(() => machine.remove());
  const adding = clawhold(edge.installed, "host", "add", "--gateway", "none");
  const command = String((await adding.mustSay((said) => said["event"] === "add"))["command"]);
  await machine.must(["/bin/bash", "-s"], { input: `${command}\n` });
  const file = JSON.parse(await machine.read(layout.hostFile)) as { readonly host: string; readonly workspace: string };
  ({ host, workspace } = file);
  await edge.operator.admitFirstHost(host);
}

const verdict = async (sent: Sent): Promise<string | undefined> =>
  receiptOf(await edge.operator.ended(sent, host, 200))?.verdict;

describe("the unit of a fix, killed in its middle", () => {
  let mender: Mender;
  let before: Tree;

  beforeAll(async () => {
    await install("next");
    mender = await Mender.on(machine);
    before = await mender.tree("/etc");
  });

  /** Looked at and signed, as soon as the host is on its tunnel. */
  async function fixing(check: CheckId): Promise<Sent> {
    const asked = async () => {
      const planned = await edge.operator.read(host, "posture.plan@1", { check });
      if (planned.kind !== "plan") throw new Error(planned.code);
      return edge.operator.build("posture.fix@1", host, { args: { check }, expect: { subject: planned.subject } });
    };
    const sent = await vi.waitFor(asked, PATIENCE);
    await edge.operator.submit(sent);
    return sent;
  }

  const ownerSignsIn = async (): Promise<void> =>
    expect(
      await new Outside(network, "admin").sshLogin({ user: OWNER, address: ADDRESS.next }, machine.ownerKey),
    ).toMatchObject({ code: 0 });
  const killed = (): Promise<string> => machine.must([NODE, "-e", KILL_WHEN_ARMED, `${layout.postureState}/fixes`]);
  const states = async (): Promise<readonly string[]> => Object.values(await mender.statesOnDisk());

  it(
    "and the power cut after it: the next start has the old state, and the command was interrupted",
    async () => {
      const killing = killed();
      const sent = await fixing("fw.default-deny");
      await killing;
      await machine.kill();
      await machine.boot();
      await ownerSignsIn();
      expect(await states()).toEqual(["undone"]);
      expect(await mender.tree("/etc")).toEqual(before);
      expect(await verdict(sent)).toMatch(/^(interrupted|failed)$/);
    },
    SLOW_MILLISECONDS,
  );

  it(
    "and its timer too: the next command takes it back before it does its own",
    async () => {
      const killing = killed();
      const first = await fixing("fw.default-deny");
      const fix = await killing;
      await machine.must([SYSTEMCTL, "stop", `clawhold-deadman-${fix}.timer`]);
      expect(await verdict(first)).toBe("failed");
      expect(await mender.statesOnDisk()).toMatchObject({ [fix]: "armed" });
      expect(await verdict(await fixing("ssh.crypto"))).toBe("executed");
      expect(await mender.statesOnDisk()).toMatchObject({ [fix]: "undone" });
      const { fixes } = await edge.operator.read(host, "posture.fixes@1", {});
      const done = fixes.find(({ checks }) => checks.includes("ssh.crypto"))?.fix ?? "none";
      const back = await edge.operator.build("posture.rollback@1", host, { args: { fix: done } });
      await edge.operator.submit(back);
      expect(await verdict(back)).toBe("executed");
      expect(await mender.tree("/etc")).toEqual(before);
      await ownerSignsIn();
    },
    SLOW_MILLISECONDS,
  );
});

// On a server of its own: a warden that was asked something remembers for minutes what it was, awake.
describe("while the warden is asleep", () => {
  beforeAll(() => install("host"));

  const mainPid = async (): Promise<string> =>
    (await machine.must([SYSTEMCTL, "show", "--property=MainPID", "--value", UNITS.warden])).trim();
  const asleep = (): Promise<void> => expect.poll(mainPid, SLEEPY).toBe("0");

  it(
    "an update wakes it, and the new version is in use",
    async () => {
      const releases = await Releases.pinned(edge, machine, closers);
      const sha256 = await releases.handOut("9.9.9");
      await asleep();
      const args = { version: "9.9.9", sha256 };
      const sent = await vi.waitFor(() => edge.operator.build("agent.update@1", host, { args }), PATIENCE);
      await edge.operator.submit(sent);
      expect(await verdict(sent)).toBe("executed");
      const last = async (): Promise<unknown> => JSON.parse(await machine.read(`${layout.state}/update/last.json`));
      await expect.poll(last, PATIENCE).toMatchObject({ to: "9.9.9", ended: "updated" });
      expect((await machine.must([CLAWHOLD, "--version"])).trim()).toBe("9.9.9");
    },
    SLOW_MILLISECONDS,
  );

  it(
    "clawhold trust reset forgets whom the host obeys, and the edge has recorded it",
    async () => {
      await asleep();
      const reset = await machine.run([CLAWHOLD, "trust", "reset", `--workspace=${workspace}`]);
      expect(reset).toMatchObject({ code: 0, stdout: expect.stringContaining("The edge has recorded it") });
      expect((await machine.run(["/usr/bin/ls", `${layout.wardenState}/keys.json`])).code).not.toBe(0);
      await expect(edge.operator.build("host.check@1", host)).rejects.toThrow();
    },
    SLOW_MILLISECONDS,
  );
});
