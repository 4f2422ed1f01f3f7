/** Drives of the checks of area identity: accounts, the gateway's user, and a service that is confined in one drop-in. */
import { GATEWAY_UNIT, gatewayRestarted } from "../gateway.ts";
import type { Machine } from "../machine.ts";
import type { Area, Site } from "./drive.ts";

const DROP_IN = `/etc/systemd/system/${GATEWAY_UNIT}.d/zz-drive.conf`;
const LAST = `/etc/systemd/system/${GATEWAY_UNIT}.d/zzz-drive.conf`;
const HOME = "/home/openclaw";
/** What a gateway can live with, on either Debian; not RestrictSUIDSGID=, which takes openat2() away from it. */
const CONFINED = `[Service]
NoNewPrivileges=yes
CapabilityBoundingSet=
ProtectSystem=strict
ProtectHome=tmpfs
BindPaths=${HOME}
InaccessiblePaths=/root
PrivateTmp=yes
PrivateDevices=yes
ProtectProc=invisible
ProtectClock=yes
ProtectHostname=yes
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK
LockPersonality=yes
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
SystemCallErrorNumber=EPERM
SystemCallArchitectures=native
IPAddressDeny=169.254.169.254
UMask=0077
`;
/** Debian 12's systemd cannot forbid a service to listen: said there it would have no effect (trap T7). */
const BIND = "SocketBindDeny=any\nSocketBindAllow=tcp:18789\n";

const systemctl = (machine: Machine, ...words: readonly string[]): Promise<string> =>
  machine.must(["/usr/bin/systemctl", ...words]);

async function confined({ machine }: Site): Promise<void> {
  const wanted = machine.release === "bookworm" ? CONFINED : `${CONFINED}${BIND}`;
  const now = await machine.run(["/usr/bin/cat", DROP_IN]);
  const state = (await machine.run(["/usr/bin/systemctl", "is-active", GATEWAY_UNIT])).stdout.trim();
  const last = (await machine.run(["/usr/bin/ls", LAST])).code === 0;
  if (now.stdout === wanted && state === "active" && !last) return;
  await machine.delete(LAST);
  await machine.write(DROP_IN, wanted);
  await gatewayRestarted(machine);
}

async function unconfined({ machine }: Site): Promise<void> {
  if ((await machine.run(["/usr/bin/ls", DROP_IN])).code !== 0) return;
  await machine.delete(DROP_IN);
  await gatewayRestarted(machine);
}

const TRANSIENT = ["/usr/bin/systemd-run", "--quiet", "--collect"] as const;

/** Stands in for our link: a program of its name and words, which does nothing. */
const LINK = "/opt/lab-agent/agent.cjs";
async function linkAs({ machine }: Site, user: string): Promise<void> {
  await machine.write(LINK, "setInterval(() => undefined, 1e9);\n");
  await machine.run(["/usr/bin/systemctl", "stop", "lab-link"]);
  const argv = ["/usr/local/bin/node", LINK, "host", "link"];
  await machine.must([...TRANSIENT, "--unit=lab-link", `--uid=${user}`, ...argv]);
}

export const identityDrives: Area = {
  drives: [
    {
      check: "usr.uid0",
      mend: ({ machine }) => machine.run(["/usr/sbin/userdel", "-f", "second-root"]),
      fail: ({ machine }) => machine.must(["/usr/sbin/useradd", "-M", "-o", "-u", "0", "second-root"]),
      says: /second-root/,
    },
    {
      check: "usr.empty-pw",
      mend: ({ machine }) => machine.run(["/usr/sbin/userdel", "-f", "no-password"]),
      async fail({ machine }) {
        await machine.must(["/usr/sbin/useradd", "-M", "no-password"]);
        await machine.must(["/usr/bin/passwd", "-d", "no-password"]);
      },
      says: /no-password/,
    },
    {
      check: "usr.dedicated",
      mend: ({ machine }) => machine.must(["/usr/bin/chmod", "0700", HOME]),
      fail: ({ machine }) => machine.must(["/usr/bin/chmod", "0755", HOME]),
      says: /\/home\/openclaw is open to other users \(mode 0755\)/,
    },
    {
      check: "usr.single-tenant",
      mend: ({ machine }) => machine.run(["/usr/bin/systemctl", "stop", "other-work"]),
      fail: ({ machine }) =>
        machine.must([...TRANSIENT, "--unit=other-work", "--uid=openclaw", "/usr/bin/sleep", "infinity"]),
      says: /openclaw also runs sleep/,
    },
    {
      check: "usr.no-sudo",
      mend: ({ machine }) => machine.run(["/usr/bin/gpasswd", "-d", "openclaw", "sudo"]),
      fail: ({ machine }) => machine.must(["/usr/bin/gpasswd", "-a", "openclaw", "sudo"]),
      says: /sudo lets openclaw run/,
    },
    {
      check: "agent.split",
      async mend(site) {
        await linkAs(site, "nobody");
      },
      fail: (site) => linkAs(site, "openclaw"),
      says: /clawhold host link and the gateway both run as openclaw/,
    },
    // Each start of a gateway takes seconds: these share them.
    { check: "usr.setuid-reach", lane: "slow", mend: confined, fail: unconfined, says: /NoNewPrivs is 0/ },
    { check: "unit.score", lane: "slow", mend: confined, fail: unconfined, says: /above 2\.0/ },
    {
      check: "unit.probes",
      lane: "slow",
      mend: confined,
      fail: unconfined,
      says: /another person's home|of other users/,
    },
    {
      check: "unit.directive-supported",
      mend: confined,
      async fail(site) {
        const { machine } = site;
        // Where it is enforced, a service that asks for more than its process was started with.
        if (machine.release !== "bookworm") await unconfined(site);
        await machine.write(LAST, `[Service]\n${machine.release === "bookworm" ? BIND : "NoNewPrivileges=yes\n"}`);
        await systemctl(machine, "daemon-reload");
      },
      says: /SocketBindDeny= is set|NoNewPrivileges= is set/,
    },
    {
      check: "unit.starts",
      mend: confined,
      async fail({ machine }) {
        await machine.write(LAST, "[Service]\nNoExecPaths=/nowhere\n");
        await systemctl(machine, "daemon-reload");
        await machine.run(["/usr/bin/systemctl", "restart", GATEWAY_UNIT]);
      },
      says: /file system namespace cannot be made|no gateway runs in it/,
    },
  ],
  undriven: {
    "unit.resources":
      "the lab's control groups have no controllers, so no limit is enforced there, and the check says so",
  },
};
