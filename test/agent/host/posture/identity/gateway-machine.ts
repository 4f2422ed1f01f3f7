/** A recorded machine with one gateway in a confined service of its own; a plan says in what another one differs. */
import { readFileSync } from "node:fs";
import { identityJudgements } from "../../../../../agent/host/posture/checks/identity.ts";
import type { GatewayRow } from "../../../../../agent/host/posture/collectors/gateway.ts";
import { identityCollectors } from "../../../../../agent/host/posture/collectors/identity.ts";
import { known } from "../../../../../agent/host/posture/fact.ts";
import { readerOf, type FactSet } from "../../../../../agent/host/posture/facts.ts";
import { insideTries } from "../../../../../agent/host/posture/inside.ts";
import { judge } from "../../../../../agent/host/posture/judge.ts";
import type { identityChecks } from "../../../../../protocol/posture/identity.ts";
import type { Finding } from "../../../../../protocol/posture/report.ts";
import { NOW, recordedMachine, type Recorded } from "../recorded-machine.ts";

export const show = readFileSync(new URL("show-bookworm.txt", import.meta.url), "utf8").replaceAll(
  /^MainPID=.*$/gm,
  "MainPID=700",
);
export const PASSWD =
  "root:x:0:0::/root:/bin/bash\nowner:x:1000:1000::/home/owner:/bin/bash\nopenclaw:x:999:997::/home/openclaw:/usr/sbin/nologin\n";
export const GROUPS = "root:x:0:\nsudo:x:27:owner\ndocker:x:998:\nowner:x:1000:\nopenclaw:x:997:\n";
export const CAT =
  "# /etc/systemd/system/openclaw-gateway.service\n[Service]\nUser=openclaw\nExecStart=/bin/gateway\nProtectSystem=strict\n";
export const denied = JSON.stringify(Object.fromEntries(insideTries.map((name) => [name, "denied"])));

export interface Plan extends Recorded {
  readonly status?: Readonly<Record<string, string>>;
  readonly gateways?: readonly Partial<GatewayRow>[];
  readonly show?: string;
  readonly inside?: string;
  readonly outcome?: string;
  readonly sudo?: string;
  readonly passwd?: string;
  readonly groups?: string;
  readonly kept?: FactSet;
}

export function statusText(changes: Readonly<Record<string, string>> = {}): string {
  const lines = {
    Name: "openclaw-gatewa",
    PPid: "1",
    Uid: "999\t999\t999\t999",
    Gid: "997\t997\t997\t997",
    Groups: "997",
    CapEff: "0000000000000000",
    CapBnd: "0000000000000000",
    NoNewPrivs: "1",
    Seccomp: "2",
    ...changes,
  };
  return Object.entries(lines)
    .map(([name, value]) => `${name}:\t${value}\n`)
    .join("");
}

export const GATEWAY: GatewayRow = {
  gateway: "openclaw",
  user: "openclaw",
  uid: 999,
  gid: 997,
  home: "/home/openclaw",
  directory: "/home/openclaw/.openclaw",
  configurationPath: "/home/openclaw/.openclaw/openclaw.json",
  configuration: "ok",
  port: 18_789,
  pid: 700,
  isListening: true,
};

export function machineOf(plan: Plan) {
  const group = "/system.slice/openclaw-gateway.service";
  return recordedMachine({
    ...plan,
    http:
      plan.http ?? (() => Promise.resolve({ outcome: "answered", status: 200, body: '{"ok":true,"status":"live"}' })),
    programs: {
      getent: ([, database]) => (database === "passwd" ? (plan.passwd ?? PASSWD) : (plan.groups ?? GROUPS)),
      "sudo -n -l -U": plan.sudo ?? "User openclaw is not allowed to run sudo on host.\n",
      "systemctl show": plan.show ?? show,
      "systemctl cat": CAT,
      "systemctl --version": "systemd 252 (252.39-1~deb12u2)\n+SECCOMP -BPF_FRAMEWORK\n",
      "systemd-analyze security": "→ Overall exposure level for openclaw-gateway.service: 1.4 OK :-)\n",
      "systemd-run": (argv) =>
        argv.includes("inside") ? (plan.inside ?? denied) : JSON.stringify({ outcome: plan.outcome ?? "denied" }),
      ...plan.programs,
    },
    files: {
      "/proc/700/comm": "openclaw-gatewa\n",
      "/proc/700/status": statusText(plan.status),
      "/proc/700/cgroup": `0::${group}\n`,
      "/proc/700/limits":
        "Limit  Soft  Hard\nMax core file size        0                    0                    bytes\n",
      "/proc/meminfo": "MemTotal:        4000000 kB\n",
      [`/sys/fs/cgroup${group}/memory.max`]: "2147483648\n",
      [`/sys/fs/cgroup${group}/pids.max`]: "256\n",
      [`/sys/fs/cgroup${group}/cpu.max`]: "150000 100000\n",
      "/run/systemd/system/x": "",
      "/usr/bin/sudo": "",
      "/etc/shadow": { text: "root:*:1::::::\nowner:$y$j9T$aaaaaaaaaaaaaaaa:1::::::\n", mode: 0o640 },
      "/home/openclaw": { text: "", uid: 999, mode: 0o700 },
      "/etc/systemd/system/openclaw-gateway.service": CAT,
      ...plan.files,
    },
    links: { "/proc/700/ns/mnt": "mnt:[2]", "/proc/1/ns/mnt": "mnt:[1]", ...plan.links },
  });
}

export async function factsOf(plan: Plan = {}): Promise<FactSet> {
  const machine = machineOf(plan);
  const rows = (plan.gateways ?? [{}]).map((change) => ({ ...GATEWAY, ...change }));
  let facts: FactSet = {
    "gateway.found": known(rows, { level: "runtime", source: "test", at: NOW, raw: "" }),
  };
  for (const collector of identityCollectors) {
    const given = await collector.collect({
      machine,
      soFar: facts,
      directory: undefined,
      ...(plan.kept ? { kept: plan.kept } : {}),
    });
    facts = { ...plan.kept, ...facts, ...given };
  }
  return facts;
}

export async function finding(check: keyof typeof identityChecks, plan: Plan = {}): Promise<Finding> {
  return judge(check, identityJudgements[check], readerOf(await factsOf(plan)));
}

export const without = (name: string, value: string): string =>
  show.replace(new RegExp(`^${name}=.*$`, "m"), `${name}=${value}`);
