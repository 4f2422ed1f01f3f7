/**
 * The gateway's move to a user of its own, on a real Debian: from a login user's own service and from root's, with a stand-in that
 * writes nothing (so that every byte can be compared) and with the real gateway. Cut short at each step, it runs as one of the two
 * users afterwards, never as none and never as both.
 *
 * With CLAWHOLD_LAB_ALL=1 each step, each way of being cut short, and the timer itself.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { closeAll, type Closers } from "../../agent/edge/closers.ts";
import type { Wanted } from "../../agent/host/posture/door.ts";
import { transactionSteps, type TransactionStep } from "../../agent/host/remedies/transacting.ts";
import { Machine } from "./machine.ts";
import { Mender, type Tree } from "./mender.ts";
import { Network } from "./network.ts";

const isAll = process.env["CLAWHOLD_LAB_ALL"] === "1";
const PORT = 18_789;
const SYSTEMCTL = "/usr/bin/systemctl";
const DEPLOY = "deploy";
const KEY = "sk-lab-0123456789";
const wanted: Wanted = { kind: "check", check: "usr.dedicated", options: {} };

/** Answers as a gateway does, and says who it is and whether it was given its provider's key. */
const STAND_IN = `
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { homedir } from "node:os";
const state = process.env.OPENCLAW_STATE_DIR ?? homedir() + "/.openclaw";
readFileSync(state + "/openclaw.json");
const said = () => JSON.stringify({ uid: process.getuid(), key: process.env.LAB_API_KEY ?? "", state });
createServer((request, answer) => answer.end(said())).listen(${String(PORT)}, "127.0.0.1");
`;
const ENTRY = "/opt/lab-gateway/openclaw.mjs";

const unitText = (more: string): string => `[Unit]
Description=Stand-in for a gateway
[Service]
ExecStart=/usr/local/bin/node ${ENTRY} gateway --port ${String(PORT)}
${more}
Restart=always
RestartSec=1
`;

/** As whom it runs before. */
const formers = {
  async user(): Promise<void> {
    const home = `/home/${DEPLOY}`;
    await machine.write(`${home}/provider.env`, `LAB_API_KEY=${KEY}\n`, "0600");
    const text = `${unitText("EnvironmentFile=%h/provider.env")}[Install]\nWantedBy=default.target\n`;
    await machine.write(`${home}/.config/systemd/user/openclaw-gateway.service`, text);
    await furnish(home, DEPLOY);
    // What `loginctl enable-linger` leaves; Debian 13's asks a bus that this server does not have.
    await sh("/usr/bin/mkdir", "-p", "/var/lib/systemd/linger");
    await machine.write(`/var/lib/systemd/linger/${DEPLOY}`, "");
    await userSystemctl("daemon-reload");
    await userSystemctl("enable", "--now", "openclaw-gateway.service");
  },
  async root(): Promise<void> {
    await machine.write("/etc/openclaw.env", `LAB_API_KEY=${KEY}\n`, "0600");
    const text = `${unitText("EnvironmentFile=/etc/openclaw.env")}[Install]\nWantedBy=multi-user.target\n`;
    await machine.write("/etc/systemd/system/openclaw-gateway.service", text);
    await furnish("/root", "root");
    await sh(SYSTEMCTL, "daemon-reload");
    await sh(SYSTEMCTL, "enable", "--quiet", "--now", "openclaw-gateway.service");
  },
} as const;
type FormerName = keyof typeof formers;

const closers: Closers = [];
let network: Network;
let machine: Machine;
let mender: Mender;

const sh = (...argv: readonly string[]): Promise<string> => machine.must(argv);

async function userSystemctl(...argv: readonly string[]): Promise<string> {
  const uid = (await sh("/usr/bin/id", "-u", DEPLOY)).trim();
  await sh(SYSTEMCTL, "start", `user@${uid}.service`);
  const place = { XDG_RUNTIME_DIR: `/run/user/${uid}` };
  return machine.must([SYSTEMCTL, "--user", ...argv], { user: DEPLOY, environment: place });
}

/** What a state directory may hold, links that lead out of it among them. */
async function furnish(home: string, user: string): Promise<void> {
  const state = `${home}/.openclaw`;
  await machine.write(`${state}/openclaw.json`, '{"gateway":{"mode":"local"}}', "0644");
  await machine.write(`${state}/devices/paired.json`, '{"reader":{}}', "0600");
  await machine.write(`${state}/workspace/run me.sh`, "#!/bin/sh\n", "0755");
  await sh("/usr/bin/ln", "-s", "/etc/shadow", `${state}/workspace/shadow`);
  await sh("/usr/bin/ln", "-s", "../openclaw.json", `${state}/workspace/inside`);
  await sh("/usr/bin/chown", "-R", `${user}:${user}`, home);
}

async function fresh(former: FormerName): Promise<void> {
  await machine?.remove();
  machine = await Machine.make({ network });
  await machine.boot();
  await sh("/usr/sbin/useradd", "--create-home", "--shell", "/bin/bash", DEPLOY);
  await machine.write(ENTRY, STAND_IN);
  await formers[former]();
  mender = await Mender.on(machine, { stepping: true });
  await answering();
}

interface Said {
  readonly uid: number;
  readonly key: string;
}

/** Who answers on the gateway's port, once somebody does. */
async function answering(): Promise<Said> {
  const ask = ["/usr/bin/curl", "-sf", "--retry", "40", "--retry-delay", "1", "--retry-connrefused"];
  return JSON.parse(await sh(...ask, `http://127.0.0.1:${String(PORT)}/readyz`)) as Said;
}

const uidOf = async (user: string): Promise<number> => Number(await sh("/usr/bin/id", "-u", user));
/** Processes of the stand-in, by their users. */
async function runners(): Promise<readonly string[]> {
  const { stdout } = await machine.run(["/usr/bin/ps", "-eo", "uid=,args="]);
  return stdout.split("\n").flatMap((line) => (line.includes(ENTRY) ? (line.trim().split(/\s+/)[0] ?? "") : []));
}
const everything = (): Promise<Tree> => mender.tree("/etc", "/home", "/root", "/var/lib/systemd/linger");

beforeAll(() => {
  network = new Network();
  closers.push(() => network.close());
});

afterAll(async () => {
  await machine?.remove();
  await closeAll(closers);
});

/** What stands in the way, made on the machine; each is undone before the next. */
const hindrances: readonly { code: string; make: () => Promise<unknown>; undo: () => Promise<unknown> }[] = [
  {
    code: "started_by_cron",
    make: () => machine.write(`/var/spool/cron/crontabs/${DEPLOY}`, "@reboot openclaw gateway\n", "0600"),
    undo: () => machine.delete(`/var/spool/cron/crontabs/${DEPLOY}`),
  },
  {
    code: "openclaw_user_taken",
    make: () => sh("/usr/sbin/useradd", "--create-home", "--uid", "1777", "--shell", "/bin/bash", "openclaw"),
    undo: () => sh("/usr/sbin/userdel", "--remove", "openclaw"),
  },
  {
    code: "paths_outside_state",
    make: () =>
      machine.write(`/home/${DEPLOY}/.openclaw/openclaw.json`, '{"agents":{"defaults":{"workspace":"~/work"}}}'),
    undo: () => machine.write(`/home/${DEPLOY}/.openclaw/openclaw.json`, "{}"),
  },
  {
    code: "gateway_by_hand",
    async make() {
      await userSystemctl("stop", "openclaw-gateway.service");
      const scope = ["--quiet", "--scope", "--unit=lab-terminal", `--uid=${DEPLOY}`];
      const start = `HOME=/home/${DEPLOY} setsid /usr/local/bin/node ${ENTRY} >/dev/null 2>&1 &`;
      await sh("/usr/bin/systemd-run", ...scope, "/bin/sh", "-c", start);
      await answering();
    },
    undo: () => sh(SYSTEMCTL, "stop", "lab-terminal.scope"),
  },
];

describe("a move", () => {
  beforeAll(() => fresh("user"));

  it.each(hindrances)("is refused: $code", async ({ code, make, undo }) => {
    await make();
    const { plan } = await mender.plan(wanted);
    expect(plan).toMatchObject({ blocked: code, steps: [] });
    expect(plan.notes).toHaveLength(1);
    await undo();
  });
});

describe.each(isAll ? (["user", "root"] as const) : (["user"] as const))("a gateway that %s runs", (former) => {
  const name = former === "user" ? DEPLOY : "root";
  beforeAll(() => fresh(former));

  it("is moved, with its state and its keys, and back to the byte", async () => {
    const before = await everything();
    expect(await answering()).toMatchObject({ uid: await uidOf(name), key: KEY });

    const { plan, subject } = await mender.plan(wanted);
    expect(plan.blocked, plan.notes.join(" ")).toBeUndefined();
    expect(plan).toMatchObject({ risk: "downtime", deadManSeconds: 300 });
    expect(JSON.stringify(plan)).not.toContain(KEY);
    expect(plan.notes.join(" ")).toContain("LAB_API_KEY");
    const answer = await mender.order({ verb: "apply", wanted, subject, author: "owner" });
    if (answer.kind !== "fix") throw new Error(JSON.stringify(answer));
    expect(answer.fix, mender.said).toMatchObject({ state: "applied", drifted: [] });

    const own = await uidOf("openclaw");
    expect(await answering()).toMatchObject({ uid: own, key: KEY });
    expect(await runners()).toEqual([String(own)]);
    expect(await sh("/usr/bin/readlink", "/home/openclaw/.openclaw/workspace/shadow")).toBe("/etc/shadow\n");
    expect(await sh("/usr/bin/cat", "/home/openclaw/.openclaw/devices/paired.json")).toBe('{"reader":{}}');
    if (former === "user") {
      for (const place of ["/home/deploy/.openclaw", "/home/openclaw", "/etc/openclaw-isolated.env"])
        expect((await machine.run(["/usr/bin/test", "-r", place], { user: DEPLOY })).code, place).toBe(1);
      await sh(SYSTEMCTL, "restart", `user@${String(await uidOf(DEPLOY))}.service`);
      expect(await runners()).toEqual([String(own)]);
    } else {
      // Whoever starts the former one by its name starts nothing.
      await sh(SYSTEMCTL, "start", "openclaw-gateway.service");
      expect(await runners()).toEqual([String(own)]);
    }
    expect((await mender.plan(wanted)).plan).toMatchObject({ steps: [] });
    await machine.reboot();
    expect(await answering()).toMatchObject({ uid: own, key: KEY });
    expect(await runners()).toEqual([String(own)]);

    expect(await mender.rollback(answer.fix.fix)).toMatchObject({ kind: "fix", fix: { state: "undone" } });
    expect(await answering()).toMatchObject({ uid: await uidOf(name), key: KEY });
    expect(await runners()).toEqual([String(await uidOf(name))]);
    const after = await everything();
    const kept = Object.keys(after).filter((path) => path.startsWith("/home/openclaw.taken-back-"));
    expect(kept).not.toEqual([]);
    expect(Object.fromEntries(Object.entries(after).filter(([path]) => !kept.includes(path)))).toEqual(before);
  });

  const cut: readonly (readonly [TransactionStep, "kill" | "power"])[] = isAll
    ? transactionSteps.flatMap((step) => [[step, "kill"] as const, [step, "power"] as const])
    : [["apply", former === "user" ? "kill" : "power"]];

  it.each(cut)("runs as one of the two users when it is cut short after %s by %s", async (step, fault) => {
    const pid = await mender.stopAt(step, wanted);
    if (fault === "kill") {
      await machine.must(["/usr/bin/kill", "-KILL", pid]);
      await mender.fixes(); // any next order takes back what a dead one left
    } else {
      await machine.kill();
      await machine.boot();
    }
    const { uid, key } = await answering();
    expect(key).toBe(KEY);
    expect(await runners()).toEqual([String(uid)]);
    const [end] = await mender.fixes();
    const isMoved = end?.state === "applied";
    expect(uid).toBe(await uidOf(isMoved ? "openclaw" : name));
    if (isMoved) expect(await mender.rollback(end.fix)).toMatchObject({ kind: "fix", fix: { state: "undone" } });
    expect(await answering()).toMatchObject({ uid: await uidOf(name) });
    expect((await machine.run(["/usr/bin/id", "openclaw"])).code).toBe(1);
  });
});
