/** What the collectors make of a machine's answers, recorded on Debian 12 and 13. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { networkCollectors, type NetworkFacts } from "../../../../../agent/host/posture/collectors/network.ts";
import {
  approvedIn,
  readApproved,
  writeApproved,
} from "../../../../../agent/host/posture/collectors/network/approved.ts";
import { readListeners, rowsOf } from "../../../../../agent/host/posture/collectors/network/sockets.ts";
import { ufwRules } from "../../../../../agent/host/posture/collectors/network/ufw.ts";
import { approveVerb } from "../../../../../agent/host/posture/approve.ts";
import { openPostureStore } from "../../../../../agent/host/posture/store.ts";
import type { Setting } from "../../../../../agent/host/posture/collector.ts";
import { readerOf, type FactSet } from "../../../../../agent/host/posture/facts.ts";
import { linuxMachine } from "../../../../../agent/host/posture/linux.ts";
import type { Machine, Ran } from "../../../../../agent/host/posture/machine.ts";
import { NOW, ran, recordedMachine, type Recorded } from "../recorded-machine.ts";
import { recorded } from "./rulesets.ts";

const ADDRESSES = JSON.stringify([
  { ifname: "lo", flags: ["LOOPBACK", "UP"], addr_info: [{ local: "127.0.0.1", prefixlen: 8, scope: "host" }] },
  {
    ifname: "eth0",
    flags: ["BROADCAST", "UP"],
    addr_info: [
      { local: "203.0.113.10", prefixlen: 24, scope: "global" },
      { local: "2001:db8::10", prefixlen: 64, scope: "global" },
    ],
  },
]);
const UNITS = "Id=ufw.service\nUnitFileState=enabled\n\nId=nftables.service\nUnitFileState=disabled\n";
const TUPLES = `### RULES ###

### tuple ### allow tcp 22 0.0.0.0/0 any 0.0.0.0/0 in comment=737368
-A ufw-user-input -p tcp --dport 22 -j ACCEPT

### tuple ### limit tcp 2222 0.0.0.0/0 any 0.0.0.0/0 in
### tuple ### allow any 60000:60010,80 0.0.0.0/0 any 0.0.0.0/0 OpenSSH - in
### tuple ### deny tcp 9 0.0.0.0/0 any 0.0.0.0/0 in
`;
const RUNNING = "LoadState=loaded\nActiveState=active\nUnitFileState=enabled\nInvocationID=abc\nResult=success\n";
const TALK = [
  "Fail2Ban v1.0.2 reads log file\n\n",
  "Status\n|- Number of jail:\t1\n`- Jail list:\tsshd\n",
  "Current database file is:\n`- /var/lib/fail2ban/fail2ban.sqlite3\n",
].join("fail2ban> ");
const JAIL = [
  "Fail2Ban v1.0.2 reads log file\n\n",
  "Status for the jail: sshd\n|- Filter\n|  |- Total failed:\t3\n|  `- File list:\t/var/log/auth.log\n`- Actions\n",
  "These IP addresses/networks are ignored:\n|- 127.0.0.0/8\n`- 203.0.113.67\n",
  "False\n",
  "600\n",
  "5\n",
  "True\n",
].join("fail2ban> ");

function fail2ban(input: string | undefined): Ran {
  return ran(input?.startsWith("status\n") === true ? TALK : JAIL);
}

function machineWith(changed: Recorded = {}): Machine {
  const machine = recordedMachine({
    ...changed,
    programs: {
      nft: recorded("ufw-debian13.json"),
      "iptables-nft-save": recorded("ufw-debian13.save"),
      "ip6tables-nft-save": recorded("ufw-debian13.save6"),
      "ip -j -d address": ADDRESSES,
      systemctl: (argv) => ran(argv.includes("fail2ban.service") ? RUNNING : UNITS),
      loginctl: (argv) => ran(argv[1] === "list-sessions" ? " 4 1000 owner\n" : "RemoteHost=203.0.113.67\n"),
      ...changed.programs,
    },
    files: {
      "/etc/ufw/ufw.conf": "ENABLED=yes\n",
      "/etc/ufw/user.rules": TUPLES,
      "/var/log/auth.log": "",
      "/proc/sys/net/ipv4/ip_forward": "0\n",
      "/proc/sys/net/ipv4/conf/all/rp_filter": "2\n",
      "/proc/sys/net/ipv4/conf/eth0/rp_filter": "0\n",
      "/proc/sys/net/ipv4/conf/all/accept_redirects": "0\n",
      "/proc/sys/net/ipv4/conf/eth0/accept_redirects": "1\n",
      ...changed.files,
    },
  });
  const run: Machine["run"] = (argv, options) =>
    argv[0] === "fail2ban-client" && changed.isRoot !== false
      ? Promise.resolve(fail2ban(options?.input))
      : machine.run(argv, options);
  return { ...machine, run };
}

async function look(machine: Machine, more: Partial<Setting> = {}): Promise<ReturnType<typeof readerOf>> {
  const fast = networkCollectors.filter(({ lane }) => lane === "fast");
  const facts = await Promise.all(
    fast.map((one) => one.collect({ machine, soFar: {}, directory: undefined, ...more })),
  );
  return readerOf(Object.assign({}, ...facts) as FactSet);
}

async function valueOf<N extends keyof NetworkFacts>(name: N, changed?: Recorded): Promise<NetworkFacts[N]> {
  const fact = (await look(machineWith(changed))).get(name);
  if (fact.kind !== "known") throw new TypeError(`${name}: ${fact.why}`);
  return fact.value as NetworkFacts[N];
}

it("the firewall of ufw is known with what it opens, and why", async () => {
  const { openings, families } = await valueOf("fw.inbound");
  expect(families).toEqual([4, 6]);
  expect(openings.map(({ from, family, reason }) => [from, family, reason])).toEqual([
    [22, 4, "ssh"],
    [2222, 4, ""],
    [68, 4, "ufw's own"],
    [22, 6, "ssh"],
    [2222, 6, ""],
  ]);
  expect(await valueOf("fw.live")).toMatchObject({ ufw: "loaded", approved: undefined });
  expect(await valueOf("fw.boot")).toMatchObject({ isUfwLive: true, otherTables: [] });
});

it("T3: enabled, and nothing of it in the kernel", async () => {
  const changed = { programs: { nft: '{"nftables": []}' } };
  expect(await valueOf("fw.live", changed)).toMatchObject({ ufw: "missing" });
  expect((await valueOf("fw.inbound", changed)).openings).toHaveLength(4);
});

it.each<[string, Recorded, string]>([
  ["without root", { isRoot: false }, "not_root"],
  ["without nft", { programs: { nft: { kind: "missing" } } }, "missing_tool"],
  ["when nft hangs", { programs: { nft: { kind: "timeout" } } }, "timeout"],
  ["when nft refuses", { programs: { nft: ran("", 1, "Operation not permitted") } }, "failed"],
  ["when nft speaks nonsense", { programs: { nft: "nonsense" } }, "malformed"],
])("nothing is claimed about the rules %s", async (_, changed, why) => {
  const reader = await look(machineWith(changed));
  for (const name of ["fw.inbound", "fw.forwarded", "fw.live", "fw.boot", "net.passes"] as const)
    expect(reader.get(name)).toMatchObject({ kind: "unknown", why });
});

it("rules of the old iptables beside it hold back a pass", async () => {
  const files = { "/proc/net/ip_tables_names": "filter\n" };
  const saved = (text: string): Recorded => ({ files, programs: { "iptables-legacy-save": text } });
  const rules = (await look(machineWith(saved(":INPUT DROP [0:0]\n-A INPUT -j ACCEPT\n")))).get("fw.inbound");
  expect(rules).toMatchObject({ gap: { why: "unread_rules", source: expect.stringContaining("iptables filter") } });
  const empty = (await look(machineWith(saved(":INPUT ACCEPT [0:0]\n")))).get("fw.inbound");
  expect(empty).not.toHaveProperty("gap");
});

it("rules that did not move are not walked again, and those that moved are", async () => {
  const first = await look(machineWith());
  const kept = Object.fromEntries(
    (["fw.inbound", "fw.forwarded", "fw.live", "fw.boot", "net.passes"] as const).map((name) => [
      name,
      first.get(name),
    ]),
  ) as FactSet;
  const again = await look(machineWith(), { kept });
  const [before, after] = [first.get("fw.inbound"), again.get("fw.inbound")];
  expect(after).toEqual(before);
  expect(after.kind === "known" && before.kind === "known" && after.value === before.value).toBe(true);
  for (const changed of [
    { programs: { nft: '{"nftables": []}' } },
    { programs: { "iptables-nft-save": "" } },
    { files: { "/etc/ufw/user.rules": "" } },
    { files: { "/proc/sys/net/ipv4/ip_forward": "1\n" } },
  ]) {
    const moved = (await look(machineWith(changed), { kept })).get("fw.inbound");
    expect(moved.kind === "known" && before.kind === "known" && moved.value !== before.value).toBe(true);
  }
});

it("what the kernel would use of each interface is judged, and what `all` decides is not", async () => {
  expect(await valueOf("net.kernel")).toEqual([
    { name: "net.ipv4.conf.eth0.accept_redirects", value: "1", right: "0" },
  ]);
});

it("a ban service is asked once, and again when it was started anew", async () => {
  const jails = await valueOf("ban.service");
  expect(jails).toMatchObject({ state: "running", remembers: true, invocation: "abc" });
  expect(jails.jails).toEqual([
    {
      name: "sshd",
      sources: ["/var/log/auth.log"],
      newest: NOW,
      ignored: ["127.0.0.0/8", "203.0.113.67"],
      ignoresSelf: false,
      banSeconds: 600,
      maxRetry: 5,
      grows: true,
    },
  ]);
  const first = (await look(machineWith())).get("ban.service");
  const silent = { ...machineWith(), run: withoutClient(machineWith().run) };
  expect((await look(silent, { kept: { "ban.service": first } })).get("ban.service")).toBe(first);
  const other = first.kind === "known" ? { ...first, value: { ...first.value, invocation: "before" } } : first;
  expect((await look(silent, { kept: { "ban.service": other } })).get("ban.service")).toMatchObject({
    value: { jails: [] },
  });
});

function withoutClient(run: Machine["run"]): Machine["run"] {
  return (argv, options) => (argv[0] === "fail2ban-client" ? Promise.resolve({ kind: "missing" }) : run(argv, options));
}

it("the proof of a ban service ends with its run", async () => {
  const canary = (invocation: string): FactSet => ({
    "ban.canary": {
      kind: "known",
      value: { isHeard: true, isSeen: true, isShutOut: true, penalisedAfter: undefined, invocation },
      evidence: { level: "probed", source: "test", at: NOW, excerpt: "" },
    },
  });
  expect((await look(machineWith(), { kept: canary("abc") })).get("ban.canary")).toMatchObject({ kind: "known" });
  expect((await look(machineWith(), { kept: canary("old") })).get("ban.canary")).toMatchObject({ why: "not_run" });
});

it("who is signed in from where", async () => {
  expect(await valueOf("ban.guests")).toEqual(["203.0.113.67"]);
});

it("nobody plays the stranger on a machine that is only looked at", async () => {
  const slow = networkCollectors.find(({ lane }) => lane === "slow");
  const evidence = { level: "runtime", source: "test", at: NOW, excerpt: "" } as const;
  const listens = [{ address: "0.0.0.0", port: 22 }];
  const soFar: FactSet = {
    "ssh.daemon": { kind: "known", value: { state: "listening", listens, options: [] }, evidence },
  };
  const asked: string[] = [];
  const machine = machineWith();
  const run: Machine["run"] = (argv, options) => {
    asked.push(argv.join(" "));
    return machine.run(argv, options);
  };
  const facts = await slow?.collect({ machine: { ...machine, run }, soFar, directory: undefined });
  expect(facts?.["ban.canary"]).toMatchObject({ kind: "unknown", why: "not_run" });
  expect(asked.filter((line) => line.includes("netns"))).toEqual([]);
});

it("listeners and their processes, as the kernel lists them", async () => {
  const head = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n";
  const tail = "00000000:00000000 00:00000000 00000000     0        0";
  const tcp = `${head}   0: 0A7100CB:1F90 00000000:0000 0A ${tail} 11 1\n   1: 0A7100CB:0016 4371 00CB:C350 01 ${tail} 12 1\n`;
  const udp = `${head}   0: 00000000:D431 00000000:0000 07 ${tail} 13 2\n   1: 00000000:CA6C 00000000:0000 07 ${tail} 0 2\n`;
  const machine = recordedMachine({
    files: { "/proc/net/tcp": tcp, "/proc/net/udp": udp, "/proc/77/comm": "nginx\n", "/proc/78/comm": "dig\n" },
    links: {
      "/proc/self/ns/net": "net:[1]",
      "/proc/77/ns/net": "net:[1]",
      "/proc/78/ns/net": "net:[1]",
      "/proc/77/fd/3": "socket:[11]",
      "/proc/78/fd/4": "socket:[13]",
    },
  });
  const found = (await readListeners(machine))?.listeners ?? [];
  expect(found.map(({ address, port, program }) => [address, port, program])).toEqual([
    ["203.0.113.10", 8080, "nginx"],
    ["0.0.0.0", 51_820, undefined],
  ]);
  expect(rowsOf("", "tcp")).toEqual([]);
  // A socket whose holder is still there is not looked for again; one whose number means another program now is.
  const silent: Machine = { ...machine, list: (path) => (path === "/proc" ? machine.list(path) : Promise.resolve([])) };
  expect((await readListeners(silent, found))?.listeners[0]?.program).toBe("nginx");
  const renamed = found.map((one) => ({ ...one, program: "caddy" }));
  expect((await readListeners(silent, renamed))?.listeners[0]?.program).toBeUndefined();
  expect((await readListeners(machine, renamed))?.listeners[0]?.program).toBe("nginx");
});

it("what ufw was told, with its reasons", () => {
  expect(ufwRules(TUPLES).map(({ protocol, from, to, reason }) => [protocol, from, to, reason])).toEqual([
    ["tcp", 22, 22, "ssh"],
    ["tcp", 2222, 2222, ""],
    ["any", 60_000, 60_010, "OpenSSH"],
    ["any", 80, 80, "OpenSSH"],
  ]);
});

it("root approves the rules that a scan saw, and no others", async () => {
  const directory = mkdtempSync(join(tmpdir(), "approved-"));
  try {
    const lines: string[] = [];
    const verb = (...more: readonly string[]): number =>
      approveVerb(["--directory", directory, "--check", "fw.drift", ...more], {
        now: NOW,
        print: (line) => void lines.push(line),
      });
    expect(verb()).toBe(1);
    const live = (await look(machineWith())).get("fw.live");
    openPostureStore(directory).saveFacts({ "fw.live": live });
    const digest = live.kind === "known" ? live.value.digest : "";
    expect(verb("--state", "another")).toBe(1);
    const door = { protocol: "tcp", port: 80, owner: "ann", reason: "the shop" } as const;
    writeApproved(directory, { v: 1, doors: [door] });
    expect(verb("--state", digest)).toBe(0);
    expect(approvedIn(directory)).toMatchObject({ doors: [door], ruleset: { digest, at: NOW } });
    expect(lines).toEqual([expect.stringContaining("No scan"), expect.stringContaining("others"), expect.any(String)]);
  } finally {
    rmSync(directory, { recursive: true });
  }
});

it("what was approved is read back, and anything else approves nothing", async () => {
  const directory = mkdtempSync(join(tmpdir(), "approved-"));
  try {
    const door = { protocol: "tcp", port: 80, owner: "ann", reason: "the shop" } as const;
    writeApproved(directory, { v: 1, doors: [door] });
    const machine = linuxMachine({ environment: {}, homeDirectory: "/", uid: 0, self: [] });
    expect(await readApproved(machine, directory)).toEqual({ v: 1, doors: [door] });
    const forged = recordedMachine({ files: { "/p/approved-network.json": '{"v":1,"doors":[{"port":80}]}' } });
    expect(await readApproved(forged, "/p")).toEqual({ v: 1, doors: [] });
  } finally {
    rmSync(directory, { recursive: true });
  }
});
