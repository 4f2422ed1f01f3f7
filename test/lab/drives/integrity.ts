/** Drives of the checks of area integrity. They share their scans; those against an approved state come last, when all else is mended. */
import type { Machine } from "../machine.ts";
import { POSTURE_DIRECTORY } from "../scan.ts";
import { configurationDrives } from "./configuration.ts";
import type { Area, Site } from "./drive.ts";

const JOURNALD = "/etc/systemd/journald.conf.d";
const UPDATES = "/etc/apt/apt.conf.d/99-drive";
const SETUID = "/usr/local/bin/planted";
const OPEN = "/opt/planted";
const CRON = "/etc/cron.d/planted";
/** What systemd's time service leaves. A stand-in: no time server is in the lab, and its clock is this machine's. */
const SYNCHRONISED = "/run/systemd/timesync/synchronized";

const LOOKS = 3;

async function journald(machine: Machine, name: string, line: string): Promise<void> {
  await machine.write(`${JOURNALD}/${name}.conf`, `[Journal]\n${line}\n`);
  await machine.must(["/usr/bin/systemctl", "restart", "systemd-journald"]);
}

async function onTime({ machine }: Site): Promise<void> {
  await machine.write(SYNCHRONISED, "");
  await journald(machine, "10-drive", "Storage=persistent");
  // A new journald writes to the disk once it is told to.
  await machine.must(["/usr/bin/journalctl", "--flush"]);
}

/** apt's lists are as old as the root file system; the rehearsal is over these. */
async function upToDate({ machine }: Site): Promise<void> {
  await machine.delete(UPDATES);
  await machine.must(["/usr/bin/touch", "/var/lib/apt/lists"]);
  await machine.must([
    "/usr/bin/systemctl",
    "enable",
    "--now",
    "--quiet",
    "apt-daily.timer",
    "apt-daily-upgrade.timer",
  ]);
}

/** What is there when all drives are mended is as it should be. */
async function approved({ machine }: Site): Promise<void> {
  await machine.delete(SETUID, CRON);
  const posture = ["/usr/local/bin/node", "/opt/lab-scanner/posture.cjs"];
  const there = await machine.run(["/usr/bin/ls", `${POSTURE_DIRECTORY}/baselines/files.approved.json`]);
  if (there.code === 0) return;
  const scan = (): Promise<string> =>
    machine.must([...posture, "scan", "--lane", "slow", "--directory", POSTURE_DIRECTORY]);
  await scan();
  for (const check of ["fs.suid-drift", "fim.baseline"]) {
    const approve = [...posture, "approve", "--directory", POSTURE_DIRECTORY, "--check", check];
    // A walk over the disk that took too long, on a busy machine, leaves nothing to approve.
    for (let look = 1; look < LOOKS && (await machine.run(approve)).code !== 0; look += 1) await scan();
    await machine.must(approve);
  }
}

async function plantSetuid({ machine }: Site): Promise<void> {
  await machine.must(["/usr/bin/cp", "/usr/bin/true", SETUID]);
  await machine.must(["/usr/bin/chmod", "4755", SETUID]);
}

export const integrityDrives: Area = {
  drives: [
    {
      check: "log.auditable",
      lane: "slow",
      mend: onTime,
      fail: ({ machine }) => journald(machine, "10-drive", "Storage=volatile"),
      says: /kept in memory alone \(Storage=volatile\)/,
    },
    {
      check: "log.retention",
      lane: "slow",
      mend: ({ machine }) => journald(machine, "20-drive", "MaxRetentionSec=1year"),
      fail: ({ machine }) => journald(machine, "20-drive", "MaxRetentionSec=30day"),
      says: /deleted after 30 days/,
    },
    {
      check: "patch.auto",
      lane: "slow",
      mend: upToDate,
      fail: ({ machine }) => machine.write(UPDATES, 'APT::Periodic::Unattended-Upgrade "0";\n'),
      says: /Unattended-Upgrade is 0/,
    },
    {
      check: "fs.world-writable",
      lane: "slow",
      mend: ({ machine }) => machine.delete(OPEN),
      fail: ({ machine }) => machine.write(OPEN, "anybody's\n", "0666"),
      says: /\/opt\/planted can be written by everybody/,
    },
    ...configurationDrives,
    {
      check: "fs.suid-drift",
      lane: "slow",
      mend: approved,
      fail: plantSetuid,
      says: /nobody approved: \/usr\/local\/bin\/planted/,
    },
    {
      check: "fim.baseline",
      lane: "slow",
      mend: approved,
      fail: ({ machine }) => machine.write(CRON, "* * * * * root /bin/true\n"),
      says: /nobody approved: \/etc\/cron\.d\/planted/,
    },
  ],
  undriven: {},
};
