/** From what real machines answered to the verdict: who the programs run as, and whether confinement is more than a word. */
import { describe, expect, it } from "vitest";
import { identityJudgements } from "../../../../../agent/host/posture/checks/identity.ts";
import { identityCollectors } from "../../../../../agent/host/posture/collectors/identity.ts";
import { known } from "../../../../../agent/host/posture/fact.ts";
import { readerOf, type FactSet } from "../../../../../agent/host/posture/facts.ts";
import { judge } from "../../../../../agent/host/posture/judge.ts";
import type { identityChecks } from "../../../../../protocol/posture/identity.ts";
import { NOW, ran } from "../recorded-machine.ts";
import {
  CAT,
  denied,
  factsOf,
  finding,
  GATEWAY,
  GROUPS,
  machineOf,
  PASSWD,
  type Plan,
  show,
  statusText,
  without,
} from "./gateway-machine.ts";

describe("a gateway in a confined service of its own", () => {
  it.each([
    ["usr.dedicated", "runtime"],
    ["usr.single-tenant", "runtime"],
    ["usr.no-sudo", "runtime"],
    ["usr.setuid-reach", "runtime"],
    ["usr.uid0", "runtime"],
    ["usr.empty-pw", "runtime"],
    ["unit.starts", "probed"],
    ["unit.score", "effective"],
    ["unit.probes", "probed"],
    ["unit.directive-supported", "probed"],
    ["unit.resources", "runtime"],
  ] as const)("passes %s, seen as %s", async (check, level) => {
    expect(await finding(check)).toMatchObject({ state: "pass", level, shortfalls: [] });
  });
});

const everybody = { text: "", uid: 999, mode: 0o755 };
const second = {
  "/proc/701/comm": "openclaw-gatewa\n",
  "/proc/701/status": statusText(),
  "/proc/701/cgroup": "0::/\n",
};

describe("fails", () => {
  it.each<[keyof typeof identityChecks, string, Plan, RegExp]>([
    ["usr.dedicated", "root's gateway", { status: { Uid: "0\t0\t0\t0" } }, /runs as root/],
    [
      "usr.dedicated",
      "a person's",
      { passwd: PASSWD.replace("/usr/sbin/nologin", "/bin/bash") },
      /can sign in \(shell \/bin\/bash\)/,
    ],
    ["usr.dedicated", "an open home", { files: { "/home/openclaw": everybody } }, /open to other users \(mode 0755\)/],
    [
      "usr.single-tenant",
      "two of one user",
      { gateways: [{}, { gateway: "other", pid: 701 }], files: second },
      /openclaw runs more than one gateway/,
    ],
    [
      "usr.single-tenant",
      "other work",
      {
        files: {
          "/proc/702/comm": "miner\n",
          "/proc/702/status": statusText({ Name: "miner" }),
          "/proc/702/cgroup": "0::/user.slice\n",
        },
      },
      /also runs miner/,
    ],
    // Who counts the kernel's threads as other people's work says nothing that anybody can use.
    ["usr.single-tenant", "root's gateway", { status: { Uid: "0\t0\t0\t0" } }, /^the gateway runs as root, as every/],
    [
      "usr.no-sudo",
      "a group that is root",
      { groups: GROUPS.replace("docker:x:998:", "docker:x:998:openclaw") },
      /openclaw is in group docker/,
    ],
    ["usr.no-sudo", "a group that the process kept", { status: { Groups: "997 998" } }, /still has group docker/],
    [
      "usr.no-sudo",
      "a rule of sudo",
      {
        sudo: "User openclaw may run the following commands on host:\n    (ALL) NOPASSWD: /usr/bin/journalctl -u openclaw *\n",
      },
      /journalctl -u openclaw \*/,
    ],
    ["usr.setuid-reach", "rights that can be gained", { status: { NoNewPrivs: "0" } }, /NoNewPrivs is 0/],
    ["usr.setuid-reach", "capabilities", { status: { CapEff: "0000000000000400" } }, /capabilities of root/],
    ["usr.uid0", "a second root", { passwd: `${PASSWD}toor:x:0:0::/root:/bin/sh\n` }, /toor has number 0/],
    [
      "usr.empty-pw",
      "an empty password",
      { files: { "/etc/shadow": { text: "owner::1::::::\n", mode: 0o640 } } },
      /owner has an empty password/,
    ],
    [
      "usr.empty-pw",
      "one in the other file",
      { passwd: PASSWD.replace("owner:x:", "owner::") },
      /owner has an empty password/,
    ],
    [
      "unit.starts",
      "T8: a unit that never starts",
      { show: without("ActiveState", "failed").replace("ExecMainStatus=0", "ExecMainStatus=226"), gateways: [] },
      /file system namespace cannot be made/,
    ],
    [
      "unit.starts",
      "a service between two attempts to start",
      { gateways: [], show: without("NRestarts", "4") },
      /called active, and no gateway runs in it \(started again 4 times\)/,
    ],
    [
      "unit.starts",
      "a service that does not answer",
      { http: () => Promise.resolve({ outcome: "filtered" }) },
      /port 18789 does not answer/,
    ],
    [
      "unit.starts",
      "somebody else on its port",
      { http: () => Promise.resolve({ outcome: "answered", status: 200, body: "hello" }) },
      /not as a gateway/,
    ],
    [
      "unit.starts",
      "a gateway in no service",
      {
        files: { "/proc/700/cgroup": "0::/user.slice/user-999.slice/session-1.scope\n" },
        show: without("ActiveState", "inactive").replace("UnitFileState=enabled", "UnitFileState=disabled"),
      },
      /is in no service/,
    ],
    [
      "unit.starts",
      "a change that systemd has not read",
      { show: without("NeedDaemonReload", "yes") },
      /has not read it again/,
    ],
    [
      "unit.score",
      "no confinement",
      {
        programs: { "systemd-analyze security": "→ Overall exposure level for openclaw-gateway.service: 9.2 UNSAFE\n" },
      },
      /9\.2, above 2\.0/,
    ],
    [
      "unit.score",
      "a gateway in no service",
      { files: { "/proc/700/cgroup": "0::/user.slice/user-999.slice/session-1.scope\n" } },
      /is in no service/,
    ],
    [
      "unit.probes",
      "something in reach",
      { inside: denied.replace('"shadow":"denied"', '"shadow":"reached"') },
      /file of password hashes can be read/,
    ],
    [
      "unit.directive-supported",
      "T7: SocketBindDeny= that binds",
      { outcome: "open" },
      /SocketBindDeny= is set, and a port that it forbids/,
    ],
    [
      "unit.directive-supported",
      "T10: IPAddressDeny= that connects",
      { outcome: "open" },
      /IPAddressDeny= is set, and an address that it forbids/,
    ],
    [
      "unit.directive-supported",
      "NoNewPrivileges= that is not on",
      { status: { NoNewPrivs: "0" } },
      /NoNewPrivileges= is set, and its process may gain/,
    ],
    [
      "unit.directive-supported",
      "SystemCallFilter= without a filter",
      { show: `${show}SystemCallFilter=read write\n`, status: { Seccomp: "0" } },
      /no filter is on its process/,
    ],
    [
      "unit.directive-supported",
      "ProtectSystem= without a namespace",
      { links: { "/proc/700/ns/mnt": "mnt:[1]" } },
      /ProtectSystem= is set, and its process sees/,
    ],
    [
      "unit.resources",
      "no limit that the kernel has",
      { files: { "/sys/fs/cgroup/system.slice/openclaw-gateway.service/memory.max": "max\n" } },
      /memory has no limit/,
    ],
    [
      "unit.resources",
      "memory dumps",
      {
        files: {
          "/proc/700/limits": "Max core file size        0                    unlimited            bytes\n".replace(
            "0  ",
            "unlimited  ",
          ),
        },
      },
      /may leave memory dumps/,
    ],
    [
      "agent.split",
      "one user for both",
      {
        files: {
          "/proc/800/comm": "node\n",
          "/proc/800/status": statusText({ Name: "node" }),
          "/proc/800/cmdline": "node\0/opt/clawhold/current/agent.cjs\0host\0link\0",
        },
      },
      /clawhold host link and the gateway both run as openclaw/,
    ],
  ])("%s: %s", async (...[check, , plan, says]) => {
    const { state, shortfalls } = await finding(check, plan);
    expect(shortfalls.join("\n")).toMatch(says);
    expect(state).toBe("fail");
  });
});

it("what a scan itself runs as the gateway's user is no other work", async () => {
  const tried = statusText({ Name: "MainThread", PPid: "900" });
  const files = {
    "/proc/900/comm": "node\n",
    "/proc/900/status": statusText({ Name: "node", Uid: "0\t0\t0\t0" }),
    "/proc/901/comm": "MainThread\n",
    "/proc/901/status": tried,
    "/proc/901/cgroup": "0::/system.slice/clawhold-posture.service\n",
    "/proc/902/comm": "MainThread\n",
    "/proc/902/status": statusText({ Name: "MainThread" }),
    "/proc/902/cgroup": "0::/system.slice/run-p842-i135582.service\n",
  };
  expect(await finding("usr.single-tenant", { files })).toMatchObject({ state: "pass" });
  const own = { ...files, "/proc/900/status": statusText({ Name: "node" }) };
  expect(await finding("usr.single-tenant", { files: own })).toMatchObject({ state: "fail" });
});

describe("is not judged where nothing can be seen", () => {
  it("no gateway", async () => {
    const plan = {
      gateways: [],
      show: without("LoadState", "masked"),
      files: { "/etc/systemd/system/openclaw-gateway.service": "" },
    };
    expect(await finding("usr.dedicated", plan)).toMatchObject({ state: "not_applicable", reason: "no_gateway" });
  });

  it("a gateway that is down passes nothing that only a running one could show", async () => {
    const down = { ...GATEWAY, isListening: false };
    const { pid: _pid, ...without_ } = down;
    const facts = await factsOf();
    const rows = known([without_], { level: "runtime" as const, source: "test", at: NOW, raw: "" });
    const machine = machineOf({});
    let soFar: FactSet = { "gateway.found": rows };
    for (const collector of identityCollectors)
      soFar = { ...soFar, ...(await collector.collect({ machine, soFar, directory: undefined })) };
    for (const check of [
      "usr.dedicated",
      "usr.setuid-reach",
      "unit.probes",
      "unit.resources",
      "usr.single-tenant",
    ] as const)
      expect(judge(check, identityJudgements[check], readerOf(soFar))).toMatchObject({
        state: "unverified",
        reason: "gateway_down",
      });
    expect(facts["identity.processes"]?.kind).toBe("known");
  });

  it("no systemd", async () => {
    const machine = machineOf({});
    const bare = {
      ...machine,
      look: (path: string) => (path === "/run/systemd/system" ? Promise.resolve(undefined) : machine.look(path)),
    };
    const found = (await factsOf())["gateway.found"];
    if (found === undefined) throw new TypeError("no gateways");
    const soFar: FactSet = { "gateway.found": found };
    const facts = {
      ...soFar,
      ...(await identityCollectors[0]?.collect({ machine: bare, soFar, directory: undefined })),
    };
    expect(judge("unit.starts", identityJudgements["unit.starts"], readerOf(facts))).toMatchObject({
      state: "not_applicable",
      reason: "no_systemd",
    });
  });

  it("without root: less is seen, nothing breaks", async () => {
    const plan: Plan = { isRoot: false, programs: { "sudo -n -l -U": ran("", 1) } };
    expect(await finding("usr.no-sudo", plan)).toMatchObject({ state: "unverified", reason: "not_root" });
    expect(await finding("unit.probes", plan)).toMatchObject({ state: "unverified", reason: "not_root" });
    expect(await finding("usr.setuid-reach", plan)).toMatchObject({ state: "pass" });
  });

  it("a confinement that cannot be repeated, or in which nothing can be started", async () => {
    const specifier = { programs: { "systemctl cat": `${CAT}ReadWritePaths=%S/x\n` } };
    expect(await finding("unit.probes", specifier)).toMatchObject({ state: "unverified", reason: "not_visible" });
    const broken = { programs: { "systemd-run": ran("", 226) } };
    expect(await finding("unit.probes", broken)).toMatchObject({ state: "unverified", reason: "not_visible" });
  });

  it("tried as a user alone: what is reached fails, what is not passes nothing", async () => {
    const user = "0::/user.slice/user-999.slice/user@999.service/app.slice/openclaw-gateway.service\n";
    const base: Plan = {
      files: { "/proc/700/cgroup": user },
      programs: { "systemctl --user": show, "node posture.cjs try inside": denied },
    };
    expect(await finding("unit.probes", base)).toMatchObject({ state: "unverified" });
    const reached = {
      ...base,
      programs: {
        ...base.programs,
        "node posture.cjs try inside": denied.replace('"root":"denied"', '"root":"reached"'),
      },
    };
    expect(await finding("unit.probes", reached)).toMatchObject({ state: "fail" });
  });

  it("listening is held against a service only where it could be forbidden", async () => {
    const inside = denied.replace('"bind":"denied"', '"bind":"reached"');
    expect((await finding("unit.probes", { inside })).state).toBe("pass");
    const programs = { "systemctl --version": "systemd 257\n+BPF_FRAMEWORK\n" };
    expect((await finding("unit.probes", { inside, programs })).state).toBe("fail");
  });
});
