/** Each check of the network: what passes, what fails, and what nobody can tell. On facts alone. */
import { describe, expect, it } from "vitest";
import { networkJudgements } from "../../../../../agent/host/posture/checks/network.ts";
import type { NetworkFacts } from "../../../../../agent/host/posture/collectors/network.ts";
import type { BanService, Jail } from "../../../../../agent/host/posture/collectors/network/bans.ts";
import type { OwnedOpening } from "../../../../../agent/host/posture/collectors/network/firewall.ts";
import type { Listener } from "../../../../../agent/host/posture/collectors/network/sockets.ts";
import { known, unknown, type Fact } from "../../../../../agent/host/posture/fact.ts";
import { readerOf, type Facts, type FactSet } from "../../../../../agent/host/posture/facts.ts";
import { judge } from "../../../../../agent/host/posture/judge.ts";
import type { networkChecks } from "../../../../../protocol/posture/network.ts";
import type { EvidenceLevel } from "../../../../../protocol/posture/words.ts";
import type { Finding } from "../../../../../protocol/posture/report.ts";

const seen = <T>(value: T, level: EvidenceLevel = "runtime"): Fact<T> =>
  known(value, { level, source: "test", at: 1_795_222_800, raw: "" });

const jail: Jail = {
  name: "sshd",
  sources: ["/var/log/auth.log"],
  newest: 1_795_222_700,
  ignored: ["127.0.0.0/8", "203.0.113.67"],
  ignoresSelf: false,
  banSeconds: 600,
  maxRetry: 5,
  grows: true,
};
const service: BanService = { state: "running", isEnabled: true, jails: [jail], remembers: true, invocation: "a" };
const canary = { isHeard: true, isSeen: true, isShutOut: true, penalisedAfter: undefined, invocation: "a" };
const opening: OwnedOpening = {
  family: 4,
  protocol: "tcp",
  from: 22,
  to: 22,
  answer: "open",
  chain: "filter ufw-user-input",
  comment: undefined,
  reason: "SSH",
};
const listener: Listener = {
  protocol: "tcp",
  address: "0.0.0.0",
  port: 22,
  uid: 0,
  pid: 55,
  program: "sshd",
  inode: "11",
  isElsewhere: false,
};
const nginx: Listener = { ...listener, port: 80, pid: 812, program: "nginx" };
const network = (name: string, address: string, isVpn = false): NetworkFacts["net.interfaces"][number] => ({
  name,
  kind: "",
  isUp: true,
  addresses: [{ address, length: 24, scope: "global" }],
  isVpn,
});
const probe = { user: "openclaw", uid: 990, asUser: "closed", asRoot: "filtered", byRules: "closed" } as const;

/** A machine on which every check of the area passes. */
const good: FactSet = {
  "ssh.daemon": seen<Facts["ssh.daemon"]>({
    state: "listening",
    listens: [{ address: "0.0.0.0", port: 22 }],
    options: [],
  }),
  "gateway.found": seen<Facts["gateway.found"]>([
    {
      gateway: "openclaw",
      user: "openclaw",
      uid: 990,
      gid: 990,
      home: "/home/openclaw",
      directory: "/home/openclaw/.openclaw",
      configurationPath: "/home/openclaw/.openclaw/openclaw.json",
      configuration: "ok",
      port: 18_789,
      pid: 77,
      isListening: true,
    },
  ]),
  "net.interfaces": seen<Facts["net.interfaces"]>([network("eth0", "203.0.113.10"), network("wg0", "10.8.0.1", true)]),
  "net.sockets": seen<Facts["net.sockets"]>({
    listeners: [{ ...listener, address: "10.8.0.1" }, nginx],
    doors: [{ protocol: "tcp", port: 80, owner: "ann", reason: "the shop" }],
  }),
  "net.kernel": seen<Facts["net.kernel"]>([]),
  "net.passes": seen<Facts["net.passes"]>({
    networks: ["eth0", "wg0"],
    passes: [{ from: "eth0", to: "wg0", family: 4, answer: "closed" }],
  }),
  "fw.inbound": seen<Facts["fw.inbound"]>({ openings: [opening], families: [4, 6] }),
  "fw.forwarded": seen<Facts["fw.forwarded"]>([]),
  "fw.live": seen<Facts["fw.live"]>({ digest: "one", approved: "one", ufw: "loaded", mark: "m" }),
  "fw.boot": seen<Facts["fw.boot"]>(
    { isUfwLive: true, otherTables: [], units: [{ unit: "ufw.service", isEnabled: true }] },
    "effective",
  ),
  "net.egress": seen<Facts["net.egress"]>([probe], "probed"),
  "net.metadata": seen<Facts["net.metadata"]>({ isThere: true, cloud: "", probes: [probe] }, "probed"),
  "ban.service": seen<BanService>(
    { ...service, jails: [jail, { ...jail, name: "nginx-botsearch", sources: ["/var/log/nginx/access.log"] }] },
    "effective",
  ),
  "ban.canary": seen<Facts["ban.canary"]>(canary, "probed"),
  "ban.guests": seen<Facts["ban.guests"]>(["203.0.113.67"]),
};

type NetworkCheck = keyof typeof networkChecks;

function finding(check: NetworkCheck, changed: FactSet = {}): Finding {
  return judge(check, networkJudgements[check], readerOf({ ...good, ...changed }));
}

const checks = Object.keys(networkJudgements) as readonly NetworkCheck[];

it.each(checks)("%s passes on a machine that is as it should be", (check) => {
  expect(finding(check)).toMatchObject({ state: "pass" });
});

it.each(checks)("%s is never passed on nothing", (check) => {
  const nothing = Object.fromEntries(Object.keys(good).map((name) => [name, unknown("not_root", name)]));
  expect(finding(check, nothing)).toMatchObject({ state: "unverified", reason: "not_root" });
});

const inbound = (...openings: readonly Partial<OwnedOpening>[]): FactSet => ({
  "fw.inbound": seen<Facts["fw.inbound"]>({
    openings: openings.map((one) => ({ ...opening, ...one })),
    families: [4, 6],
  }),
});
const bans = (changed: Partial<BanService>): FactSet => ({
  "ban.service": seen<BanService>({ ...service, ...changed }, "effective"),
});
const played = (changed: Partial<Facts["ban.canary"]>): FactSet => ({
  "ban.canary": seen<Facts["ban.canary"]>({ ...canary, ...changed }, "probed"),
});
const sockets = (...listeners: readonly Listener[]): FactSet => ({
  "net.sockets": seen<Facts["net.sockets"]>({ listeners, doors: [] }),
});
const tried = (changed: Partial<Facts["net.egress"][number]>): FactSet => ({
  "net.egress": seen<Facts["net.egress"]>([{ ...probe, ...changed }], "probed"),
  "net.metadata": seen<Facts["net.metadata"]>(
    { isThere: true, cloud: "", probes: [{ ...probe, ...changed }] },
    "probed",
  ),
});

describe("fails, and says what", () => {
  it.each<[NetworkCheck, FactSet, RegExp]>([
    [
      "net.listeners",
      sockets({ ...nginx, port: 8080 }),
      /nginx \(pid 812\) listens on 0\.0\.0\.0:8080 \(tcp\); the firewall keeps/,
    ],
    [
      "net.listeners",
      { ...sockets({ ...nginx, port: 8088 }), ...inbound({ from: 8088, to: 8088, reason: "" }) },
      /nginx .* 0\.0\.0\.0:8088 \(tcp\); the firewall lets everybody in/,
    ],
    ["net.listeners", sockets({ ...nginx, address: "203.0.113.10", pid: undefined, program: undefined }), /root .*:80/],
    [
      "net.forwarded-ports",
      {
        "fw.forwarded": seen<Facts["fw.forwarded"]>([
          {
            family: 4,
            protocol: "tcp",
            from: 8080,
            to: 8080,
            target: "172.17.0.2",
            answer: "open",
            chain: "nat DOCKER",
            isApproved: false,
          },
        ]),
      },
      /tcp 8080 \(IPv4\) goes to 172\.17\.0\.2, by nat DOCKER/,
    ],
    [
      "fw.default-deny",
      inbound({ from: 0, to: 65_535, family: 6, chain: "no rule" }),
      /IPv6\) are open.*no rule drops/,
    ],
    [
      "fw.drift",
      { "fw.live": seen({ digest: "two", approved: "one", ufw: "loaded", mark: "m" }) },
      /not the approved ones/,
    ],
    [
      "fw.drift",
      { "fw.live": seen({ digest: "one", approved: "one", ufw: "missing", mark: "m" }) },
      /not in the kernel/,
    ],
    [
      "fw.boot-persistent",
      { "fw.boot": seen({ isUfwLive: true, otherTables: [], units: [] }) },
      /ufw\.service is not enabled/,
    ],
    ["fw.boot-persistent", { "fw.boot": seen({ isUfwLive: false, otherTables: [], units: [] }) }, /no service loads/],
    ["fw.boot-persistent", { "fw.boot": seen({ isUfwLive: false, otherTables: ["inet own"], units: [] }) }, /inet own/],
    ["fw.rules.owned", inbound({ from: 8088, to: 8088, reason: "" }), /tcp 8088 \(IPv4\) is open and nobody/],
    ["fw.egress.gateway", tried({ asUser: "filtered", byRules: "open" }), /openclaw \(uid 990\) may connect to any/],
    ["fw.egress.gateway", tried({ asUser: "closed", asRoot: "closed", byRules: "open" }), /may connect/],
    ["fw.egress.gateway", tried({ asUser: "open", byRules: "closed" }), /may connect/],
    ["fw.egress.gateway", tried({ uid: 0, asUser: "filtered", byRules: "open" }), /runs as root/],
    ["fw.metadata.blocked", tried({ asUser: "open", asRoot: "open" }), /reaches 169\.254\.169\.254/],
    ["ban.sshd.live", bans({ state: "absent", jails: [] }), /not installed/],
    ["ban.sshd.live", bans({ state: "failed", jails: [] }), /failed to start/],
    ["ban.sshd.live", bans({ jails: [] }), /without a jail/],
    ["ban.sshd.live", played({ isSeen: false, isShutOut: undefined }), /not seen by fail2ban/],
    ["ban.sshd.live", played({ isShutOut: false }), /answered it still/],
    ["ban.sshd.live", played({ isSeen: undefined, isShutOut: undefined }), /answered every time/],
    ["ban.escalation", bans({ jails: [{ ...jail, grows: false }] }), /600 s, however often/],
    ["ban.escalation", bans({ remembers: false }), /forgets all bans/],
    ["ban.whitelist", bans({ jails: [{ ...jail, ignored: ["0.0.0.0"] }] }), /spares 0\.0\.0\.0, which is everybody/],
    ["ban.whitelist", bans({ jails: [{ ...jail, ignored: ["::/0"] }] }), /spares ::\/0, which is everybody/],
    ["ban.whitelist", bans({ jails: [{ ...jail, ignored: ["127.0.0.0/8"] }] }), /no administrator/],
    ["ban.whitelist", { "ban.guests": seen(["198.51.100.9"]) }, /198\.51\.100\.9 is signed in now/],
    ["ban.http", bans({}), /no jail for it/],
    ["ban.http", bans({ jails: [{ ...jail, name: "apache", newest: 1 }] }), /nothing was written for a week/],
    ["net.vpn.bind", sockets(listener), /SSH on port 22 answers beside the VPN/],
    [
      "net.segmentation",
      {
        "net.passes": seen<Facts["net.passes"]>({
          networks: ["eth0", "lab1"],
          passes: [{ from: "eth0", to: "lab1", family: 6, answer: "open" }],
        }),
      },
      /IPv6 is passed on from eth0 to lab1/,
    ],
    [
      "net.sysctl",
      { "net.kernel": seen([{ name: "net.ipv4.conf.all.rp_filter", value: "0", right: "1 or 2" }]) },
      /all\.rp_filter is 0, not 1 or 2/,
    ],
  ])("%s", (check, changed, says) => {
    const { state, shortfalls } = finding(check, changed);
    expect({ check, state }).toEqual({ check, state: "fail" });
    expect(shortfalls.join("\n")).toMatch(says);
  });
});

describe("does not apply, and says why", () => {
  it.each<[NetworkCheck, FactSet, string]>([
    ["fw.egress.gateway", { "gateway.found": seen<Facts["gateway.found"]>([]) }, "no_gateway"],
    [
      "fw.metadata.blocked",
      { "net.metadata": seen({ isThere: false, cloud: "", probes: [probe] }) },
      "no_metadata_service",
    ],
    [
      "ban.sshd.live",
      { "ssh.daemon": seen<Facts["ssh.daemon"]>({ state: "absent", listens: [], options: [] }) },
      "sshd_absent",
    ],
    ["ban.whitelist", bans({ state: "absent" }), "no_ban_service"],
    ["ban.http", sockets(listener), "no_web_server"],
    ["net.vpn.bind", { "net.interfaces": seen([network("eth0", "203.0.113.10")]) }, "no_vpn"],
    [
      "net.segmentation",
      { "net.passes": seen<Facts["net.passes"]>({ networks: ["eth0"], passes: [] }) },
      "one_network",
    ],
  ])("%s", (check, changed, reason) => {
    expect(finding(check, changed)).toMatchObject({ state: "not_applicable", reason });
  });

  it("but a cloud that is known to hand out credentials is asked about all the same", () => {
    const metadata = seen<Facts["net.metadata"]>({ isThere: false, cloud: "Amazon EC2", probes: [probe] }, "probed");
    expect(finding("fw.metadata.blocked", { "net.metadata": metadata })).toMatchObject({ state: "pass" });
  });
});

describe("nobody can tell", () => {
  it.each<[NetworkCheck, FactSet, string]>([
    [
      "fw.drift",
      gap("fw.live", { digest: "one", approved: undefined, ufw: "off", mark: "m" }, "not_approved"),
      "not_approved",
    ],
    ["fw.default-deny", gap("fw.inbound", { openings: [], families: [4] }, "unread_rules"), "unread_rules"],
    ["ban.sshd.live", { "ban.canary": unknown("not_run", "canary") }, "not_run"],
    ["fw.egress.gateway", { "net.egress": unknown("not_run", "tcp") }, "not_run"],
  ])("%s", (check, changed, reason) => {
    expect(finding(check, changed)).toMatchObject({ state: "unverified", reason });
  });
});

function gap<N extends keyof Facts>(name: N, value: Facts[N], why: "not_approved" | "unread_rules"): FactSet {
  return { [name]: { ...seen(value), gap: { why, source: "test" } } };
}

it("a sure opening fails though other rules were not understood", () => {
  const open = { ...opening, from: 0, to: 65_535 };
  expect(
    finding("fw.default-deny", gap("fw.inbound", { openings: [open], families: [4] }, "unread_rules")),
  ).toMatchObject({
    state: "fail",
  });
});

it("sshd's own penalties are enough where a stranger felt them", () => {
  const effective = seen<Facts["ssh.effective"]>({
    answers: [{ settings: { persourcepenalties: ["authfail:5", "min:15"] }, origins: {} }],
  });
  const facts = { "ssh.effective": effective, ...bans({ state: "absent", jails: [] }) };
  const unseen = { isSeen: undefined, isShutOut: undefined };
  expect(finding("ban.sshd.live", { ...facts, ...played({ ...unseen, penalisedAfter: 17 }) })).toMatchObject({
    state: "pass",
  });
  expect(finding("ban.sshd.live", { ...facts, ...played(unseen) })).toMatchObject({ state: "fail" });
});

it("what others cannot send to needs no name", () => {
  const bridge = network("docker0", "172.17.0.1");
  const facts = { "net.interfaces": seen([network("eth0", "203.0.113.10"), bridge]) };
  const own = [
    { ...nginx, address: "127.0.0.1" },
    { ...nginx, address: "::1" },
    { ...nginx, address: "172.17.0.1" },
    { ...nginx, isElsewhere: true },
    { ...nginx, protocol: "udp", port: 68, program: "dhclient" } as const,
    listener,
  ];
  expect(finding("net.listeners", { ...facts, ...sockets(...own) })).toMatchObject({ state: "pass" });
});

it("without root, a port where sshd answered is named by it, though nobody sees who holds the socket", () => {
  const unseen = { ...listener, pid: undefined, program: undefined };
  const blind: FactSet = {
    ...good,
    ...sockets(unseen),
    "fw.inbound": unknown("not_root", "nft"),
    "ssh.daemon": seen<Facts["ssh.daemon"]>({ state: "listening", listens: [], options: [] }),
    "ssh.offers": unknown("not_visible", "no answer"),
  };
  expect(finding("net.listeners", blind)).toMatchObject({ state: "fail" });
  const offer = { address: "203.0.113.10", port: 22, banner: "", keyExchange: [], hostKeys: [], ciphers: [], macs: [] };
  const answered = { ...blind, "ssh.offers": seen<Facts["ssh.offers"]>({ seen: [offer], mark: "m" }) };
  expect(finding("net.listeners", answered)).toMatchObject({ state: "pass" });
  expect(finding("net.listeners", { ...answered, ...sockets({ ...unseen, port: 2_222 }) })).toMatchObject({
    state: "fail",
  });
});
