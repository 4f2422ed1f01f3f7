/**
 * A gateway's state in a directory of its user's outside of /home, on a real Debian. After the move he still owns the directory
 * above: he puts the closed one aside and a link in its place, to where the new service finds its program. It still runs ours.
 */
import { afterAll, beforeAll, expect, it } from "vitest";
import { closeAll, type Closers } from "../../agent/edge/closers.ts";
import type { Wanted } from "../../agent/host/posture/door.ts";
import { Machine } from "./machine.ts";
import { Mender } from "./mender.ts";
import { Network } from "./network.ts";

const DEPLOY = "deploy";
const HOME = "/srv/deploy";
const ENTRY = "/opt/lab-gateway/openclaw.mjs";
const UNIT = "/etc/systemd/system/lab-gateway.service";
const SYSTEMCTL = "/usr/bin/systemctl";
const wanted: Wanted = { kind: "check", check: "usr.dedicated", options: {} };

const program = (who: string): string => `
import { createServer } from "node:http";
createServer((request, answer) => answer.end("${who} " + process.getuid())).listen(18789, "127.0.0.1");
`;

const closers: Closers = [];
let machine: Machine;
let mender: Mender;
const sh = (...argv: readonly string[]): Promise<string> => machine.must(argv);
const asDeploy = (...argv: readonly string[]): Promise<string> => machine.must(argv, { user: DEPLOY });
const RETRY = ["-sf", "--retry", "30", "--retry-delay", "1", "--retry-connrefused"];
const answer = (): Promise<string> => sh("/usr/bin/curl", ...RETRY, "http://127.0.0.1:18789/readyz");

beforeAll(async () => {
  const network = new Network();
  closers.push(() => network.close());
  machine = await Machine.make({ network });
  closers.push(() => machine.remove());
  await machine.boot();
  await sh("/usr/sbin/useradd", "--create-home", "--home-dir", HOME, "--shell", "/bin/bash", DEPLOY);
  await machine.write(ENTRY, program("ours"));
  // What becomes of the program, if the service finds the state in its place.
  await machine.write(`${HOME}/.openclaw/openclaw.mjs`, program("his"));
  await machine.write(`${HOME}/.openclaw/openclaw.json`, "{}");
  await sh("/usr/bin/chown", "-R", `${DEPLOY}:${DEPLOY}`, HOME);
  const service = ["[Service]", `User=${DEPLOY}`, `ExecStart=/usr/local/bin/node ${ENTRY} gateway`, "Restart=always"];
  await machine.write(UNIT, ["[Unit]", ...service, "[Install]", "WantedBy=multi-user.target", ""].join("\n"));
  await sh(SYSTEMCTL, "daemon-reload");
  await sh(SYSTEMCTL, "enable", "--quiet", "--now", "lab-gateway.service");
  await answer();
  mender = await Mender.on(machine);
});
afterAll(() => closeAll(closers));

it("leads nowhere once the gateway was moved", async () => {
  const { plan, subject } = await mender.plan(wanted);
  expect(plan.blocked, plan.notes.join(" ")).toBeUndefined();
  const moved = await mender.order({ verb: "apply", wanted, subject, author: "owner" });
  expect(moved, mender.said).toMatchObject({ kind: "fix", fix: { state: "applied" } });
  const own = (await sh("/usr/bin/id", "-u", "openclaw")).trim();

  await asDeploy("/usr/bin/mv", `${HOME}/.openclaw`, `${HOME}/aside`);
  await asDeploy("/usr/bin/ln", "-s", "/opt/lab-gateway", `${HOME}/.openclaw`);
  await sh(SYSTEMCTL, "restart", "openclaw-isolated.service");
  expect(await answer()).toBe(`ours ${own}`);

  if (moved.kind !== "fix") return;
  // It is not taken back without its former state, and is with it.
  expect(await mender.rollback(moved.fix.fix)).toMatchObject({ kind: "refused", code: "former_state_gone" });
  expect(await answer()).toBe(`ours ${own}`);
  await asDeploy("/usr/bin/rm", `${HOME}/.openclaw`);
  await asDeploy("/usr/bin/mv", `${HOME}/aside`, `${HOME}/.openclaw`);
  expect(await mender.rollback(moved.fix.fix)).toMatchObject({ kind: "fix", fix: { state: "undone" } });
  expect(await answer()).toBe(`ours ${(await sh("/usr/bin/id", "-u", DEPLOY)).trim()}`);
});
