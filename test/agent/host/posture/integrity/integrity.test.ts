/** From what real machines answered to the verdict: what changes unseen, whether it is written down, and mended in time. */
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { approve, approvalOf } from "../../../../../agent/host/posture/baseline.ts";
import { integrityJudgements } from "../../../../../agent/host/posture/checks/integrity.ts";
import { integrityCollectors } from "../../../../../agent/host/posture/collectors/integrity.ts";
import { localRoots, parseFound } from "../../../../../agent/host/posture/collectors/integrity/files.ts";
import { bytesOf, secondsOf, settingsOf } from "../../../../../agent/host/posture/collectors/integrity/journal.ts";
import { aptSettings, installs } from "../../../../../agent/host/posture/collectors/integrity/updates.ts";
import { readerOf, type FactSet } from "../../../../../agent/host/posture/facts.ts";
import { judge } from "../../../../../agent/host/posture/judge.ts";
import type { Finding } from "../../../../../protocol/posture/report.ts";
import { NOW, ran, recordedMachine, type Recorded } from "../recorded-machine.ts";

const recorded = (name: string): string => readFileSync(new URL(name, import.meta.url), "utf8");
const apt = recorded("apt-config-bookworm.txt");
const journald = recorded("journald-trixie.txt");
const MOUNTS = `100 50 0:40 / / rw,relatime - ext4 /dev/vda1 rw
101 100 0:5 / /proc rw - proc proc rw
102 100 8:2 / /srv/my\\040data rw - xfs /dev/vdb rw
103 100 0:6 / /mnt/share rw - nfs4 server:/x rw
104 100 0:7 / /var/lib/docker/overlay2/a/merged rw - overlay overlay rw
`;
const HASH = "a".repeat(64);
const TIMERS = "Id=apt-daily.timer\nActiveState=active\n\nId=apt-daily-upgrade.timer\nActiveState=active\n";

interface Plan extends Recorded {
  readonly setuid?: string;
  readonly watched?: string;
  readonly hash?: string;
  readonly journald?: string;
  readonly kept?: FactSet;
}

function machineOf(plan: Plan) {
  return recordedMachine({
    ...plan,
    programs: {
      find: (argv) =>
        argv.includes("/6000")
          ? (plan.setuid ?? "4755 0 0 /usr/bin/sudo\0")
          : (plan.watched ?? "f 644 0 0 \t/etc/hosts\0l 777 0 0 /etc/x\t/etc/y\0"),
      sha256sum: (argv) =>
        argv
          .slice(4)
          .map((path) => `${plan.hash ?? HASH} *${path}\0`)
          .join(""),
      "apt-config dump": apt,
      "apt-get -s": "",
      "systemctl show": TIMERS,
      "systemd-analyze cat-config":
        plan.journald ?? `${journald}\n[Journal]\nStorage=persistent\nMaxRetentionSec=1year\n`,
      "timedatectl show": "NTP=yes\nNTPSynchronized=yes\n",
      ...plan.programs,
    },
    files: {
      "/proc/self/mountinfo": MOUNTS,
      "/proc/30/comm": "systemd-journal\n",
      "/usr/bin/unattended-upgrade": "",
      "/var/lib/apt/lists/x": "",
      "/var/lib/apt/periodic/update-success-stamp": "",
      "/etc/hosts": "",
      ...plan.files,
    },
    links: { "/proc/30/fd/20": "/var/log/journal/2278f/system.journal", ...plan.links },
  });
}

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "clawhold-integrity-"));
});
afterEach(() => rm(directory, { recursive: true }));

async function factsOf(plan: Plan = {}): Promise<FactSet> {
  const machine = machineOf(plan);
  let facts: FactSet = {};
  for (const collector of integrityCollectors) {
    const setting = { machine, soFar: facts, directory, ...(plan.kept === undefined ? {} : { kept: plan.kept }) };
    facts = { ...plan.kept, ...facts, ...(await collector.collect(setting)) };
  }
  return facts;
}

type Check = Exclude<keyof typeof integrityJudgements, "cfg.immutable" | "cfg.versioned">;
async function finding(check: Check, plan: Plan = {}): Promise<Finding> {
  return judge(check, integrityJudgements[check], readerOf(await factsOf(plan)));
}

async function approved(plan: Plan = {}): Promise<void> {
  await factsOf(plan);
  for (const name of ["setuid", "files"] as const) approve(directory, { name, now: NOW });
}

describe("a server that is as its owner approved it", () => {
  it.each([
    ["fs.suid-drift", "runtime"],
    ["fs.world-writable", "runtime"],
    ["fim.baseline", "runtime"],
    ["log.auditable", "runtime"],
    ["log.retention", "runtime"],
    ["patch.auto", "effective"],
  ] as const)("passes %s, seen as %s", async (check, level) => {
    await approved();
    expect(await finding(check)).toMatchObject({ state: "pass", level, shortfalls: [] });
  });
});

describe("fails", () => {
  it.each<[Check, string, Plan, RegExp]>([
    [
      "fs.suid-drift",
      "a planted program",
      { setuid: "4755 0 0 /usr/bin/sudo\x004755 0 0 /tmp/x\0" },
      /nobody approved: \/tmp\/x/,
    ],
    ["fs.suid-drift", "another content", { hash: "b".repeat(64) }, /changed since it was approved: \/usr\/bin\/sudo/],
    [
      "fs.suid-drift",
      "another owner",
      { setuid: "4755 1000 0 /usr/bin/sudo\0" },
      /changed since it was approved: \/usr\/bin\/sudo/,
    ],
    ["fs.world-writable", "a file", { setuid: "666 0 0 /etc/profile\0" }, /\/etc\/profile can be written by everybody/],
    [
      "fim.baseline",
      "a new file",
      { watched: "f 644 0 0 \t/etc/hosts\0l 777 0 0 /etc/x\t/etc/y\0f 644 0 0 \t/etc/cron.d/x\0" },
      /nobody approved: \/etc\/cron\.d\/x/,
    ],
    ["fim.baseline", "another content", { hash: "b".repeat(64) }, /changed since it was approved: \/etc\/hosts/],
    [
      "fim.baseline",
      "a link that leads elsewhere",
      { watched: "f 644 0 0 \t/etc/hosts\0l 777 0 0 /tmp/x\t/etc/y\0" },
      /changed since it was approved: \/etc\/y/,
    ],
    [
      "fim.baseline",
      "a file that is gone",
      { watched: "f 644 0 0 \t/etc/hosts\0" },
      /gone since it was approved: \/etc\/y/,
    ],
    [
      "log.auditable",
      "a log in memory",
      { links: { "/proc/30/fd/20": "/run/log/journal/2278f/system.journal" } },
      /kept in memory alone/,
    ],
    [
      "log.auditable",
      "no time",
      { programs: { "timedatectl show": "NTPSynchronized=no\n" } },
      /set by no time service/,
    ],
    ["log.retention", "no word of how long", { journald }, /MaxRetentionSec is not set/],
    ["log.retention", "a month", { journald: "[Journal]\nMaxRetentionSec=1month\n" }, /deleted after 30 days/],
    [
      "log.retention",
      "hardly any room",
      { journald: "[Journal]\nMaxRetentionSec=1year\nSystemMaxUse=50M\n" },
      /may take 50 MiB/,
    ],
    [
      "patch.auto",
      "no upgrades",
      { programs: { "apt-config dump": apt.replace('Unattended-Upgrade "1"', 'Unattended-Upgrade "0"') } },
      /updates are never installed/,
    ],
    [
      "patch.auto",
      "no security archive",
      { programs: { "apt-config dump": apt.replaceAll(/security/gi, "other") } },
      /no origin/,
    ],
    [
      "patch.auto",
      "a timer that sleeps",
      { programs: { "systemctl show": TIMERS.replace("ActiveState=active", "ActiveState=inactive") } },
      /apt-daily\.timer is not active/,
    ],
    [
      "patch.auto",
      "an update that waits",
      { programs: { "apt-get -s": "Inst openssl [3.0.11] (3.0.15 Debian-Security:12/stable-security [amd64])\n" } },
      /security updates wait: openssl/,
    ],
    [
      "patch.auto",
      "a restart that waits",
      { files: { "/run/reboot-required": "", "/run/reboot-required.pkgs": "linux-image-amd64\n" } },
      /start again for linux-image-amd64/,
    ],
  ])("%s: %s", async (...[check, , plan, says]) => {
    await approved();
    const { state, shortfalls } = await finding(check, plan);
    expect(shortfalls.join("\n")).toMatch(says);
    expect(state).toBe("fail");
  });
});

describe("an update that installed itself", () => {
  const moved = {
    watched: "f 644 0 0 \t/etc/hosts\0l 777 0 0 /etc/x\t/etc/y\0f 644 0 0 \t/usr/lib/systemd/system/ssh.service\0",
  };
  const sum = "3841c38ccbff81c6bcab65bfd307c41c";
  const update = (changes: Plan): Plan => ({
    ...moved,
    ...changes,
    programs: {
      "dpkg-query --search": "openssh-server: /lib/systemd/system/ssh.service\n",
      "dpkg-query --show": "\n /etc/hosts 8a5bddc82befb71d8ef34cc903d3d077\n",
      md5sum: (argv) =>
        argv
          .slice(4)
          .map((path) => `${sum} *${path}\0`)
          .join(""),
      ...changes.programs,
    },
    files: {
      "/var/lib/dpkg/info/openssh-server.md5sums": `${sum}  lib/systemd/system/ssh.service\n`,
      ...changes.files,
    },
  });

  it("is no drift: the file is what its package says", async () => {
    await approved();
    expect(await finding("fim.baseline", update({}))).toMatchObject({ state: "pass" });
  });

  it.each<[string, Plan]>([
    [
      "another content than the package's",
      { files: { "/var/lib/dpkg/info/openssh-server.md5sums": "0000  lib/systemd/system/ssh.service\n" } },
    ],
    ["no package", { programs: { "dpkg-query --search": ran("", 1) } }],
    ["another owner than root", { watched: moved.watched.replace("f 644 0 0 \t/usr", "f 644 1000 0 \t/usr") }],
    ["a setuid bit", { watched: moved.watched.replace("f 644 0 0 \t/usr", "f 4755 0 0 \t/usr") }],
  ])("%s is", async (_, changes) => {
    await approved();
    const { state, shortfalls } = await finding("fim.baseline", update(changes));
    expect(state).toBe("fail");
    expect(shortfalls).toEqual(["a file that nobody approved: /usr/lib/systemd/system/ssh.service"]);
  });
});

it("more files than are named are not taken for an update by those that are", async () => {
  await approved();
  const sum = "3841c38ccbff81c6bcab65bfd307c41c";
  const paths = Array.from({ length: 150 }, (_, index) => `/etc/new-${String(index)}`);
  const { state } = await finding("fim.baseline", {
    watched: [
      "f 644 0 0 \t/etc/hosts\0l 777 0 0 /etc/x\t/etc/y\0",
      ...paths.map((path) => `f 644 0 0 \t${path}\0`),
    ].join(""),
    programs: {
      "dpkg-query --search": "many: /etc/new-0\n",
      md5sum: (argv) =>
        argv
          .slice(4)
          .map((path) => `${sum} *${path}\0`)
          .join(""),
    },
    files: { "/var/lib/dpkg/info/many.md5sums": paths.map((path) => `${sum}  ${path.slice(1)}\n`).join("") },
  });
  expect(state).toBe("fail");
});

describe("evidence that could not be had", () => {
  it.each(["fs.suid-drift", "fim.baseline"] as const)(
    "%s: what was seen first is approved by nobody",
    async (check) => {
      expect(await finding(check)).toMatchObject({ state: "unverified", reason: "not_approved" });
      expect(await finding(check)).toMatchObject({ state: "unverified", reason: "not_approved" });
    },
  );

  it("without root", async () => {
    await approved();
    for (const check of ["fs.suid-drift", "fim.baseline", "fs.world-writable"] as const)
      expect(await finding(check, { isRoot: false })).toMatchObject({ state: "unverified", reason: "not_root" });
    expect(await finding("fs.world-writable", { isRoot: false, setuid: "666 0 0 /etc/x\0" })).toMatchObject({
      state: "fail",
    });
  });

  it("another package manager", async () => {
    const programs = { "apt-config dump": { kind: "missing" }, "apt-get -s": { kind: "missing" } } as const;
    expect(await finding("patch.auto", { programs })).toMatchObject({ state: "unverified", reason: "missing_tool" });
  });

  it("a walk that takes too long, or apt that cannot answer, is a fault", async () => {
    expect(await finding("fs.world-writable", { programs: { find: { kind: "timeout" } } })).toMatchObject({
      state: "error",
    });
    const locked = ran("", 100, "E: The package lists or status file could not be parsed or opened.");
    expect(await finding("patch.auto", { programs: { "apt-get -s": locked } })).toMatchObject({ state: "error" });
  });
});

describe("approving", () => {
  it("names the state that was seen, and takes no other", async () => {
    await factsOf();
    const first = approvalOf(directory, "files", NOW);
    expect(first).toMatchObject({ before: undefined, drift: { added: ["/etc/hosts", "/etc/y"], total: 2 } });
    await factsOf({ watched: "f 644 0 0 \t/etc/hosts\0" });
    const named = /"digest":"([\w-]{43})"/.exec(first.after ?? "")?.[1] ?? "";
    expect(() => approve(directory, { name: "files", digest: named, now: NOW })).toThrow(/not the one that was named/);
    approve(directory, { name: "files", now: NOW });
    expect(approvalOf(directory, "files", NOW).drift).toMatchObject({ added: [], changed: [], removed: [] });
    expect(await finding("fim.baseline", { watched: "f 644 0 0 \t/etc/hosts\0" })).toMatchObject({ state: "pass" });
  });

  it("of what nobody has looked at is refused", () => {
    expect(() => approve(directory, { name: "setuid", now: NOW })).toThrow(/Run the slow scan first/);
  });
});

it("settings are put together again only when a file of theirs moved", async () => {
  let asked = 0;
  const programs: Recorded["programs"] = {
    "apt-config dump": () => {
      asked += 1;
      return apt;
    },
  };
  const kept = await factsOf({ programs });
  await factsOf({ programs, kept });
  expect(asked).toBe(1);
  await factsOf({ programs, kept, files: { "/etc/apt/apt.conf.d/99-x": "" } });
  expect(asked).toBe(2);
});

describe("words of programs", () => {
  it("mounts: disks of this machine alone", () => {
    expect(localRoots(MOUNTS)).toEqual(["/", "/srv/my data"]);
  });
  it("find: names with line breaks, and what is not ours", () => {
    expect(parseFound("4755 0 0 /a\nb\x00oops\x00777 0 0 /open\x00")).toEqual({
      setuid: [{ mode: "4755", uid: 0, gid: 0, path: "/a\nb" }],
      writable: ["/open"],
    });
  });
  it.each([
    ["1year", 31_557_600],
    ["2weeks", 1_209_600],
    ["1d 12h", 129_600],
    ["90", 90],
    ["infinity", 0],
    ["soon", undefined],
    [undefined, undefined],
  ])("systemd's span %s", (text, seconds) => {
    expect(secondsOf(text)).toBe(seconds);
  });
  it.each([
    ["50M", 52_428_800],
    ["4G", 4_294_967_296],
    ["10%", undefined],
  ])("systemd's size %s", (text, bytes) => {
    expect(bytesOf(text)).toBe(bytes);
  });
  it("journald's files as Debian 13 has them: the last word wins, a comment is none, an empty one takes back", () => {
    expect(Object.fromEntries(settingsOf(journald))).toEqual({ ForwardToSyslog: "yes" });
    const text =
      "[Journal]\nStorage=auto\n#Storage=none\n[Journal]\nStorage=volatile\nMaxRetentionSec=1y\nMaxRetentionSec=\n";
    expect(Object.fromEntries(settingsOf(text))).toEqual({ Storage: "volatile" });
  });
  it("apt's settings as Debian 12 and 13 have them", () => {
    for (const text of [apt, recorded("apt-config-trixie.txt")])
      expect(aptSettings(text)).toEqual({ lists: 1, upgrades: 1, coversSecurity: true });
    expect(aptSettings(`${apt}APT::Periodic::Enable "0";\n`)).toMatchObject({ lists: 0, upgrades: 0 });
    expect(aptSettings('APT::Periodic::Unattended-Upgrade "always";\n').upgrades).toBe(1);
    expect(aptSettings('APT::Periodic::Unattended-Upgrade "12h";\n').upgrades).toBe(1);
  });
  it("a rehearsal", () => {
    const text =
      "Inst bash [5.2] (5.3 Debian:13.2/stable [amd64])\nInst curl (8.1 Debian-Security:13/stable-security [amd64])\nConf bash\n";
    expect(installs(text)).toEqual({ security: ["curl"], others: 1 });
  });
});
