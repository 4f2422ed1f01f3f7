/**
 * Drives of the checks of area network. The server's firewall and bans are as a careful owner would set them up; each drive
 * breaks one thing, mostly underneath what calls itself active.
 */
import { expect } from "vitest";
import { ADDRESS, METADATA } from "../network.ts";
import { HOME, NODE, POSTURE_DIRECTORY } from "../scan.ts";
import type { Machine } from "../machine.ts";
import type { Area, Drive, Site } from "./drive.ts";

const NFT = "/usr/sbin/nft";
const UFW = "/usr/sbin/ufw";
const IP = "/usr/sbin/ip";
const SYSTEMCTL = "/usr/bin/systemctl";
const SYSCTL = "/usr/sbin/sysctl";
const IPTABLES = "/usr/sbin/iptables";
const JAILS = "/etc/fail2ban/jail.d/zz-owner.local";
const DEAD_LOG = "/var/log/nobody-writes-here.log";
const WEB_LOG = "/var/log/web-access.log";
const WEB = "lab-web";
const FORGOTTEN = "lab-forgotten";
const UNLISTED_PORT = 4444;

const FORWARD_ALL = ["FORWARD", "-j", "ACCEPT"];

/** What the ban service is told; `settle` writes it once for all drives. */
const bans = { sees: true, grows: true, spares: `127.0.0.1/8 ::1 ${ADDRESS.admin}`, web: true };
let told = "";

function jails(): string {
  const source = bans.sees ? "backend = systemd" : `backend = polling\nlogpath = ${DEAD_LOG}`;
  const growing = bans.grows ? "bantime.increment = true\nbantime.maxtime = 1w\n" : "bantime.increment = false\n";
  const web = `[nginx-botsearch]\nenabled = true\nbackend = polling\nlogpath = ${WEB_LOG}\n`;
  const always = `[DEFAULT]\nignoreip = ${bans.spares}\n${growing}[sshd]\nenabled = true\n${source}\n`;
  return bans.web ? `${always}${web}` : always;
}

async function settle({ machine }: Site): Promise<void> {
  const text = jails();
  if (text === told) return;
  await machine.write(JAILS, text);
  await machine.must([SYSTEMCTL, "restart", "fail2ban"]);
  await expect.poll(async () => (await machine.run(["/usr/bin/fail2ban-client", "ping"])).code).toBe(0);
  told = text;
}

/** SSH, and by name: nobody has to guess what the opening is for. */
async function openSsh(machine: Machine): Promise<void> {
  await machine.run([IP, "link", "delete", "wg0"]);
  await machine.must([UFW, "allow", "22/tcp", "comment", "SSH"]);
}

/** While ufw's chains are there it does not put back the jumps into them, and with those goes every opening: SSH's too. */
async function startAnew(machine: Machine): Promise<void> {
  for (const family of ["ip", "ip6"]) await machine.run([NFT, "delete", "table", family, "filter"]);
  await machine.must([UFW, "--force", "enable"]);
  await machine.must([UFW, "reload"]);
}

async function prepare({ machine }: Site): Promise<void> {
  await openSsh(machine);
  await machine.must([UFW, "--force", "enable"]);
  for (const log of [DEAD_LOG, WEB_LOG]) await machine.write(log, "");
  if (machine.release === "bookworm") return;
  // sshd's own penalties would shut out whom a blind fail2ban does not see.
  await machine.write("/etc/ssh/sshd_config.d/10-owner.conf", "PerSourcePenalties no\n");
  await machine.must([SYSTEMCTL, "reload", "ssh"]);
}

async function approve(machine: Machine): Promise<void> {
  const scan = [NODE, `${HOME}/posture.cjs`, "scan", "--lane", "fast", "--directory", POSTURE_DIRECTORY];
  const digest = /digest ([A-Za-z0-9_-]{43})/.exec(await machine.must(scan))?.[1];
  const approved = { v: 1, ruleset: { digest, at: 1, author: "owner" }, doors: [] };
  await machine.write(`${POSTURE_DIRECTORY}/approved-network.json`, JSON.stringify(approved), "0600");
}

/** A cable that ends nowhere: a network all the same, so that there is something to pass packets on to. */
async function addNetwork(machine: Machine, name: string, address: string): Promise<void> {
  await machine.run([IP, "link", "add", name, "type", "veth", "peer", "name", `${name}-end`]);
  await machine.run([IP, "address", "add", address, "dev", name]);
  await machine.must([IP, "link", "set", name, "up"]);
}

const forwarding = (machine: Machine, state: 0 | 1): Promise<string> =>
  machine.must([SYSCTL, "-q", "-w", `net.ipv4.ip_forward=${String(state)}`]);

/** Rules for whoever runs as the gateway's user, and only for connections that it begins. */
const outgoing = (table: string, destination: string): string =>
  `table inet ${table} { chain output { type filter hook output priority 0; ct state new meta skuid "openclaw" ip daddr ${destination} reject; }; }`;

const SETTINGS: readonly string[] = [
  ...["all", "default", "eth0"].flatMap((place) => [
    `net.ipv4.conf.${place}.rp_filter=1`,
    ...["accept_redirects", "secure_redirects", "send_redirects", "accept_source_route"].map(
      (name) => `net.ipv4.conf.${place}.${name}=0`,
    ),
    `net.ipv4.conf.${place}.log_martians=1`,
    ...["accept_redirects", "accept_source_route"].map((name) => `net.ipv6.conf.${place}.${name}=0`),
  ]),
  "net.ipv4.tcp_syncookies=1",
  "net.ipv4.icmp_echo_ignore_broadcasts=1",
];

/** The firewall itself, alone: while it is gone everything else is different too. */
const firewall: readonly Drive[] = [
  {
    check: "fw.default-deny",
    mend: ({ machine }) => startAnew(machine),
    async fail({ machine }) {
      for (const tables of [IPTABLES, "/usr/sbin/ip6tables"]) {
        await machine.must([tables, "-P", "INPUT", "ACCEPT"]);
        await machine.must([tables, "-F", "INPUT"]);
      }
    },
    says: /tcp 0-65535 \(IPv6\) are open to everybody/,
  },
  {
    check: "fw.drift",
    async mend({ machine }) {
      await startAnew(machine);
      await approve(machine);
    },
    fail: ({ machine }) => machine.must([IPTABLES, "-I", "INPUT", "-p", "tcp", "--dport", "31337", "-j", "ACCEPT"]),
    says: /not the approved ones/,
  },
  {
    check: "net.vpn.bind",
    async mend({ machine }) {
      await machine.run([IPTABLES, "-D", "INPUT", "-p", "tcp", "--dport", "31337", "-j", "ACCEPT"]);
      await addNetwork(machine, "wg0", "10.8.0.1/24");
      await machine.must([UFW, "delete", "allow", "22/tcp"]);
    },
    fail: ({ machine }) => machine.must([UFW, "allow", "22/tcp", "comment", "SSH"]),
    says: /SSH on port 22 answers beside the VPN/,
  },
];

const openings: readonly Drive[] = [
  {
    check: "net.listeners",
    mend: ({ machine }) => machine.run([SYSTEMCTL, "stop", FORGOTTEN]),
    fail: ({ machine }) => listen(machine, FORGOTTEN, UNLISTED_PORT),
    says: new RegExp(`${String(UNLISTED_PORT)} \\(tcp\\); the firewall keeps strangers out`),
    together: true,
  },
  {
    check: "net.forwarded-ports",
    async mend({ machine }) {
      await machine.run([NFT, "delete", "table", "ip", "containers"]);
      await machine.run([IP, "link", "delete", "docker0"]);
    },
    async fail({ machine }) {
      await addNetwork(machine, "docker0", "172.17.0.1/24");
      const rule = "type nat hook prerouting priority dstnat; tcp dport 8080 dnat to 172.17.0.2:80;";
      await machine.must([NFT, `table ip containers { chain prerouting { ${rule} }; }`]);
    },
    says: /tcp 8080 \(IPv4\) goes to 172\.17\.0\.2/,
    together: true,
  },
  {
    check: "fw.boot-persistent",
    mend: ({ machine }) => machine.must([SYSTEMCTL, "enable", "ufw"]),
    fail: ({ machine }) => machine.must([SYSTEMCTL, "disable", "ufw"]),
    says: /ufw\.service is not enabled/,
    together: true,
  },
  {
    check: "fw.rules.owned",
    mend: ({ machine }) => machine.run([UFW, "delete", "allow", "8088/tcp"]),
    fail: ({ machine }) => machine.must([UFW, "allow", "8088/tcp"]),
    says: /tcp 8088 \(IPv4\) is open and nobody wrote down why/,
    together: true,
  },
  {
    check: "net.segmentation",
    async mend({ machine }) {
      await addNetwork(machine, "lab1", "10.99.0.1/24");
      await machine.run([IPTABLES, "-D", ...FORWARD_ALL]);
      await forwarding(machine, 0);
    },
    async fail({ machine }) {
      await forwarding(machine, 1);
      await machine.must([IPTABLES, "-I", ...FORWARD_ALL]);
    },
    says: /from eth0 to lab1/,
    together: true,
  },
  {
    check: "net.sysctl",
    async mend({ machine }) {
      await addNetwork(machine, "lab1", "10.99.0.1/24");
      await machine.must([SYSCTL, "-q", "-w", ...SETTINGS, ...SETTINGS.flatMap(ofSecondNetwork)]);
    },
    fail: ({ machine }) => machine.must([SYSCTL, "-q", "-w", "net.ipv4.conf.eth0.accept_redirects=1"]),
    says: /eth0\.accept_redirects is 1/,
    together: true,
  },
];

function ofSecondNetwork(setting: string): readonly string[] {
  return setting.includes(".eth0.") ? [setting.replace(".eth0.", ".lab1.")] : [];
}

async function listen(machine: Machine, unit: string, port: number): Promise<void> {
  const program = ["/usr/bin/nc", "-lk", "0.0.0.0", String(port)];
  await machine.must(["/usr/bin/systemd-run", "--quiet", "--collect", `--unit=${unit}`, ...program]);
}

const egress = (check: "fw.egress.gateway" | "fw.metadata.blocked", table: string, destination: string): Drive => ({
  check,
  lane: "slow",
  async mend({ machine }) {
    await machine.run([NFT, "delete", "table", "inet", table]);
    await machine.must([NFT, outgoing(table, destination)]);
  },
  fail: ({ machine }) => machine.must([NFT, "delete", "table", "inet", table]),
  says: /openclaw/,
});

const ban = (check: Drive["check"], right: Partial<typeof bans>, wrong: Partial<typeof bans>): Omit<Drive, "says"> => ({
  check,
  lane: "slow",
  mend: () => Promise.resolve(Object.assign(bans, right)),
  fail: () => Promise.resolve(Object.assign(bans, wrong)),
});

export const networkDrives: Area = {
  prepare,
  settle,
  drives: [
    ...firewall,
    ...openings,
    egress("fw.egress.gateway", "lab_egress", `!= { 127.0.0.0/8, ${METADATA} }`),
    egress("fw.metadata.blocked", "lab_metadata", METADATA),
    {
      ...ban("ban.sshd.live", { sees: true }, { sees: false }),
      async mend({ machine }) {
        bans.sees = true;
        await openSsh(machine);
      },
      says: /was not seen by fail2ban/,
    },
    { ...ban("ban.escalation", { grows: true }, { grows: false }), says: /however often/ },
    {
      ...ban("ban.whitelist", { spares: bans.spares }, { spares: "127.0.0.1/8 0.0.0.0/0" }),
      says: /spares 0\.0\.0\.0.*everybody/,
    },
    {
      ...ban("ban.http", { web: true }, { web: false }),
      async mend({ machine }) {
        bans.web = true;
        await machine.run([SYSTEMCTL, "stop", WEB]);
        await listen(machine, WEB, 80);
        await machine.must([UFW, "allow", "80/tcp", "comment", "web"]);
      },
      says: /no jail for it/,
    },
  ],
  undriven: {},
};
