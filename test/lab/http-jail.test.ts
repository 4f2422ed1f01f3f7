/**
 * The jail for a public web server, attacked: who asks for what is not there, again and again, is shut out by the packet filter; the
 * listed administrator never; and who comes back is shut out for longer. The web server is a stand-in that writes the common log.
 */
import { afterAll, beforeAll, expect, it } from "vitest";
import { closeAll, type Closers } from "../../agent/edge/closers.ts";
import type { CheckId } from "../../protocol/posture.ts";
import { Machine } from "./machine.ts";
import { Mender } from "./mender.ts";
import { ADDRESS, Network } from "./network.ts";
import { Outside } from "./outside.ts";

const LOG = "/var/log/nginx/access.log";
const JAIL = "clawhold-http";
/** The jail's own. */
const MAX_RETRY = 30;
const FIRST_BAN_SECONDS = 600;
const SHORT_BAN_SECONDS = 8;

/** As nginx writes it: who, when, what, how it ended. */
const WEB = `[Service]
ExecStart=/usr/local/bin/node /opt/lab-web.mjs
`;
const PROGRAM = `
import { appendFileSync } from "node:fs";
import { createServer } from "node:http";
const months = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");
const two = (number) => String(number).padStart(2, "0");
createServer((request, answer) => {
  const now = new Date();
  const day = two(now.getUTCDate()) + "/" + months[now.getUTCMonth()] + "/" + now.getUTCFullYear();
  const time = [now.getUTCHours(), now.getUTCMinutes(), now.getUTCSeconds()].map(two).join(":");
  const code = request.url === "/" ? 200 : 404;
  const who = request.socket.remoteAddress;
  appendFileSync("${LOG}", who + " - - [" + day + ":" + time + ' +0000] "GET ' + request.url + ' HTTP/1.1" ' + code + " 0\\n");
  answer.writeHead(code).end();
}).listen(80, "0.0.0.0");
`;

const closers: Closers = [];
let machine: Machine;
let attacker: Outside;
let admin: Outside;

const sh = (...argv: readonly string[]): Promise<string> => machine.must(argv);
const client = (...words: readonly string[]): Promise<string> => sh("/usr/bin/fail2ban-client", ...words);

beforeAll(async () => {
  const network = new Network();
  closers.push(() => network.close());
  machine = await Machine.started({ network });
  closers.push(() => machine.remove());
  attacker = new Outside(network, "attacker");
  admin = new Outside(network, "admin");
  await machine.write(LOG, "");
  await machine.write("/opt/lab-web.mjs", PROGRAM);
  await machine.write("/etc/systemd/system/lab-web.service", WEB);
  await sh("/usr/bin/systemctl", "daemon-reload");
  await sh("/usr/bin/systemctl", "start", "lab-web.service");
  const mender = await Mender.on(machine);
  const checks: readonly CheckId[] = ["ban.whitelist", "ban.escalation", "ban.http"];
  for (const check of checks) {
    const answer = await mender.apply({ kind: "check", check, options: { admins: [ADDRESS.admin] } });
    expect(answer, mender.said).toMatchObject({ kind: "fix", fix: { state: "applied" } });
  }
});

afterAll(() => closeAll(closers));

/** As a scanner does: one address after the other, none of which is there. */
async function scan(from: Outside, requests: number): Promise<void> {
  const addresses = Array.from({ length: requests }, (_, index) => `http://${ADDRESS.host}/wp-admin/${String(index)}`);
  await from.run(["/usr/bin/curl", "-s", "-m", "2", "--fail-early", "-o", "/dev/null", ...addresses]);
}

/** Who is shut out, with the seconds for which. */
async function banned(): Promise<Readonly<Record<string, number>>> {
  const text = await client("get", JAIL, "banip", "--with-time");
  const rows = [...text.matchAll(/^(\S+)\s.*? \+ (\d+) = /gm)];
  return Object.fromEntries(rows.map(([, address = "", seconds]) => [address, Number(seconds)]));
}

it("shuts out who scans, never the administrator, and for longer the second time", async () => {
  await expect.poll(() => attacker.port(80)).toBe("open");
  // As many bad requests as are borne, and one more only by the other.
  await scan(attacker, MAX_RETRY - 2);
  await scan(admin, MAX_RETRY * 2);
  await expect.poll(() => client("status", JAIL)).toMatch(/Total failed:\s+28/);
  expect(await banned()).toEqual({});
  expect(await attacker.port(80)).toBe("open");

  // The same, with seconds for minutes: whoever is let go by hand is forgotten.
  expect(await client("get", JAIL, "bantime")).toBe(`${String(FIRST_BAN_SECONDS)}\n`);
  await client("set", JAIL, "bantime", String(SHORT_BAN_SECONDS));
  await scan(attacker, 4);
  await expect.poll(banned).toEqual({ [ADDRESS.attacker]: SHORT_BAN_SECONDS });
  await expect.poll(() => attacker.port(80)).not.toBe("open");
  expect(await attacker.port(22)).not.toBe("open");
  expect(await admin.port(80)).toBe("open");

  await expect.poll(() => attacker.port(80), { timeout: 30_000 }).toBe("open");
  await scan(attacker, MAX_RETRY + 2);
  const seconds = async () => (await banned())[ADDRESS.attacker] ?? 0;
  await expect.poll(seconds, { timeout: 30_000 }).toBeGreaterThan(SHORT_BAN_SECONDS);
  expect(await admin.port(80)).toBe("open");
});
