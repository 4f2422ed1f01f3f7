/** Facts of a machine with one gateway where everything holds, to be changed in one place. Made up; no machine is asked. */
import { configurationJudgements } from "../../../../../agent/host/posture/checks/configuration.ts";
import { gatewayJudgements } from "../../../../../agent/host/posture/checks/gateway.ts";
import { secretsJudgements } from "../../../../../agent/host/posture/checks/secrets.ts";
import {
  projectSettings,
  type GatewaySettings,
} from "../../../../../agent/host/posture/collectors/gateway/settings.ts";
import { known, type Fact } from "../../../../../agent/host/posture/fact.ts";
import { readerOf, type FactName, type Facts, type FactSet } from "../../../../../agent/host/posture/facts.ts";
import { judge } from "../../../../../agent/host/posture/judge.ts";
import type { EvidenceLevel } from "../../../../../protocol/posture/words.ts";

export const judgements = { ...gatewayJudgements, ...secretsJudgements, ...configurationJudgements };
export type Check = keyof typeof judgements;

const AT = 1_800_000_000;
const TIGHT = {
  gateway: {
    bind: "loopback",
    auth: { mode: "token" },
    terminal: { enabled: false },
    nodes: { pairing: { autoApproveLocal: false, sshVerify: false } },
  },
  tools: { exec: { mode: "ask" } },
  discovery: { mdns: { mode: "off" } },
  hooks: { enabled: true, token: "h".repeat(32), path: "/hooks" },
  plugins: { allow: ["weather"] },
};

/** The configuration that passes, changed in one place. */
export function settings(
  change: (tree: typeof TIGHT & Record<string, never>) => object = (tree) => tree,
): GatewaySettings {
  const projected = projectSettings(change(structuredClone(TIGHT) as never));
  if (projected === undefined) throw new Error("no configuration");
  return projected;
}

const levels: Partial<Record<FactName, EvidenceLevel>> = {
  "gateway.settings": "declared",
  "gateway.applied": "effective",
  "gateway.version": "effective",
  "gateway.native": "effective",
  "gateway.tailscale": "effective",
  "advisories.known": "effective",
  "gateway.reached": "probed",
  "gateway.doors": "probed",
  "gateway.refusals": "probed",
  "gateway.guessing": "probed",
  "gateway.hooks": "probed",
  "gateway.writable": "probed",
};

export function fact<N extends FactName>(name: N, value: Facts[N]): Fact<Facts[N]> {
  return known(value, { level: levels[name] ?? "runtime", source: name, at: AT, raw: "" });
}

export const ALICE = "alice";
export const row = {
  gateway: ALICE,
  user: ALICE,
  uid: 1_000,
  gid: 1_000,
  home: "/home/alice",
  directory: "/home/alice/.openclaw",
  configurationPath: "/home/alice/.openclaw/openclaw.json",
  configuration: "ok",
  port: 18_789,
  pid: 7,
  isListening: true,
} as const;
export const written = (
  of: GatewaySettings,
  bits = 250,
  source: "configuration" | "absent" | "reference" = "configuration",
) => ({
  gateway: ALICE,
  path: row.configurationPath,
  digest: "d",
  settings: of,
  secret: { source, characters: 64, bits },
});
export const runs = (of: GatewaySettings, more: object = {}) => ({
  gateway: ALICE,
  digest: "d",
  pid: 7,
  applied: {
    settings: of,
    version: "2026.9.6",
    isCurrent: true,
    configHash: "h",
    plugins: [{ id: "weather", isOn: true, isPinned: true }],
    execIsTight: true,
    ...more,
  },
});

/** A machine where everything holds. */
export function good(): FactSet {
  return {
    "gateway.found": fact("gateway.found", [row]),
    "gateway.listeners": fact("gateway.listeners", [
      { gateway: ALICE, address: "127.0.0.1", port: 18_789, loopback: true },
    ]),
    "gateway.settings": fact("gateway.settings", [written(settings())]),
    "gateway.applied": fact("gateway.applied", [runs(settings())]),
    "gateway.version": fact("gateway.version", [{ gateway: ALICE, version: "2026.9.6", path: "/p", affecting: [] }]),
    "gateway.reached": fact("gateway.reached", [
      { gateway: ALICE, address: "203.0.113.10", port: 18_789, outcome: "closed" },
    ]),
    "gateway.mdns": fact("gateway.mdns", [{ gateway: ALICE, sockets: 0 }]),
    "gateway.carriers": fact("gateway.carriers", []),
    "gateway.tailscale": fact("gateway.tailscale", { served: [443], funnelled: [] }),
    "gateway.doors": fact("gateway.doors", { doors: [], inodes: [] }),
    "gateway.refusals": fact("gateway.refusals", [{ gateway: ALICE, socket: "refused", http: "refused" }]),
    "gateway.guessing": fact("gateway.guessing", [
      { gateway: ALICE, answered: [260, 510], isRefused: true, isLocked: false },
    ]),
    "gateway.hooks": fact("gateway.hooks", [{ gateway: ALICE, verdict: "refused" }]),
    "gateway.native": fact("gateway.native", [{ gateway: ALICE, critical: [], warnings: ["x"], suppressed: 0 }]),
    "gateway.writable": fact("gateway.writable", [{ gateway: ALICE, path: "/p", how: [] }]),
    "gateway.versions": fact("gateway.versions", [{ gateway: ALICE, state: "written" }]),
    "advisories.known": fact("advisories.known", { asOf: "2026-08-07", count: 1, revision: 1, source: "built in" }),
    "secrets.files": fact("secrets.files", [{ gateway: ALICE, looked: 9, loose: [] }]),
    "secrets.plaintext": fact("secrets.plaintext", { looked: 9, unseen: 0, places: [] }),
    "secrets.disk": fact("secrets.disk", [{ gateway: ALICE, device: "/dev/mapper/x", isEncrypted: true }]),
  };
}

export const verdict = (check: Check, facts: FactSet) => judge(check, judgements[check], readerOf(facts));
export const both = (change: Parameters<typeof settings>[0]): FactSet => ({
  "gateway.settings": fact("gateway.settings", [written(settings(change))]),
  "gateway.applied": fact("gateway.applied", [runs(settings(change))]),
});
export const door = {
  address: "0.0.0.0",
  port: 80,
  scheme: "http",
  leadsTo: undefined,
  name: undefined,
  exposes: [],
} as const;
