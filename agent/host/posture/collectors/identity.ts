/** Facts about who the programs run as, and what that lets them do. */
import { createHash } from "node:crypto";
import type { Collector, Setting } from "../collector.ts";
import { known, unknown, type Fact, type UnknownReason } from "../fact.ts";
import type { FactName, FactSet } from "../facts.ts";
import type { Machine } from "../machine.ts";
import { readAccounts, type Accounts } from "./accounts.ts";
import type { GatewayRow } from "./gateway.ts";
import { factOf, type Look } from "./gateway/rows.ts";
import { emptyPasswords, rootsOf } from "./identity/accounts.ts";
import { findAgents, type AgentRow } from "./identity/agents.ts";
import { enforcementOf, isBindingEnforceable, type EnforcementRow } from "./identity/enforcement.ts";
import { limitsOf, type LimitRow } from "./identity/limits.ts";
import { lookAt, statuses, type ProcessRow } from "./identity/processes.ts";
import { scoreOf, type ScoreRow } from "./identity/score.ts";
import { askSudo, sudoMark, type SudoRow } from "./identity/sudo.ts";
import { findUnits, type UnitRow } from "./identity/units.ts";
import { tryWithin, type InsideRow } from "./identity/within.ts";

/** A look that costs something, and what it was made of: it is made again when that moves, or after most of a day. */
export interface Marked<T> {
  readonly rows: readonly T[];
  readonly mark: string;
}

export interface HealthRow {
  readonly gateway: string;
  readonly port: number;
  readonly outcome: "live" | "wrong" | "silent";
}

export interface IdentityFacts {
  /** Names of all accounts with number 0. */
  "accounts.roots": readonly string[];
  "accounts.empty": readonly string[];
  "identity.processes": readonly ProcessRow[];
  "identity.sudo": Marked<SudoRow>;
  /** Empty with a reason: no systemd here. */
  "identity.units": { readonly hasSystemd: boolean; readonly rows: readonly UnitRow[] };
  "identity.agents": readonly AgentRow[];
  "identity.health": readonly HealthRow[];
  "identity.limits": readonly LimitRow[];
  "identity.score": Marked<ScoreRow>;
  "identity.enforcement": Marked<EnforcementRow>;
  "identity.inside": Marked<InsideRow>;
}

const REPEAT_SECONDS = 20 * 3_600;
/** A gateway that has just started is busy with itself. */
const HEALTH_MILLISECONDS = 5_000;

const quick = [
  "accounts.roots",
  "accounts.empty",
  "identity.processes",
  "identity.sudo",
  "identity.units",
  "identity.agents",
  "identity.health",
  "identity.limits",
] as const satisfies readonly FactName[];
const costly = ["identity.score", "identity.enforcement", "identity.inside"] as const satisfies readonly FactName[];

async function collectQuick(setting: Setting): Promise<FactSet> {
  const { machine, soFar } = setting;
  const at = machine.now();
  const accounts = await readAccounts(machine);
  if (accounts === undefined) return all(quick, "failed", "getent passwd");
  const own = {
    "accounts.roots": rootsOf(machine, accounts),
    "accounts.empty": await emptyPasswords(machine, accounts),
  };
  const found = soFar["gateway.found"];
  if (found?.kind !== "known") {
    const why = found?.kind === "unknown" ? found.why : "not_run";
    return { ...all(quick, why, "gateways of this machine"), ...own };
  }
  const everything = await statuses(machine);
  const looking = { machine, accounts, all: everything };
  const [looks, units, health] = await Promise.all([
    Promise.all(found.value.map((gateway) => lookAt(gateway, looking))),
    findUnits(machine, found.value),
    Promise.all(found.value.map((gateway) => healthOf(machine, gateway))),
  ]);
  const rows = looks.flatMap((look) => ("row" in look ? [look.row] : []));
  return {
    ...own,
    "identity.processes": factOf(looks, { level: "runtime", source: "/proc/<gateway>", at, excerpt: told(rows) }),
    "identity.sudo": await sudoFact(setting, { accounts, gateways: found.value }),
    "identity.units": unitsFact(units, at),
    "identity.agents": await findAgents(machine, everything),
    "identity.health": factOf(health, { level: "probed", source: "GET /health on loopback", at }),
    "identity.limits": factOf([...(await limitsOf(machine, rows)), ...looks.filter((look) => "gap" in look)], {
      level: "runtime",
      source: "/sys/fs/cgroup",
      at,
    }),
  };
}

function told(rows: readonly ProcessRow[]): string {
  return rows
    .map(({ user, uid, noNewPrivileges, seccomp, heldGroups }) =>
      [
        `${user} (${String(uid)})`,
        `NoNewPrivs ${String(noNewPrivileges)}`,
        `seccomp ${String(seccomp)}`,
        `groups ${heldGroups.join(",")}`,
      ].join("; "),
    )
    .join("\n");
}

function all(names: readonly FactName[], why: UnknownReason, source: string): FactSet {
  return Object.fromEntries(names.map((name) => [name, unknown(why, source)]));
}

function unitsFact(units: readonly UnitRow[] | undefined, at: number): Fact<IdentityFacts["identity.units"]> {
  const value = { hasSystemd: units !== undefined, rows: units ?? [] };
  const excerpt = value.rows
    .map(
      ({ name, properties }) =>
        `${name} ${properties["ActiveState"] ?? ""} ${properties["SubState"] ?? ""} ${properties["Result"] ?? ""}`,
    )
    .join("\n");
  const source = "systemctl show <gateway's units>";
  return known(value, { level: "effective", source, at, raw: JSON.stringify(value), excerpt: excerpt || "none" });
}

async function sudoFact(
  { machine, kept }: Setting,
  { accounts, gateways }: { readonly accounts: Accounts; readonly gateways: readonly GatewayRow[] },
): Promise<Fact<Marked<SudoRow>>> {
  const nameOf = ({ pid, uid, user }: GatewayRow): string | undefined =>
    pid === undefined ? user : accounts.accounts.find((one) => one.uid === uid)?.name;
  const named = gateways.map(nameOf).filter((name) => name !== undefined);
  // That root may do everything is said elsewhere.
  const users = [...new Set(named)].filter((name) => name !== "root");
  const mark = await sudoMark(machine, users, accounts.raw);
  const before = kept?.["identity.sudo"];
  if (before?.kind === "known" && before.value.mark === mark && machine.now() - before.evidence.at < REPEAT_SECONDS)
    return before;
  const looks = await Promise.all(users.map((user) => askSudo(machine, user)));
  return marked(
    factOf(looks, { level: "effective", source: "sudo -n -l -U <gateway's user>", at: machine.now() }),
    mark,
  );
}

function marked<T>(fact: Fact<readonly T[]>, mark: string): Fact<Marked<T>> {
  return fact.kind === "unknown" ? fact : { ...fact, value: { rows: fact.value, mark } };
}

async function healthOf(machine: Machine, { gateway, port, pid, isListening }: GatewayRow): Promise<Look<HealthRow>> {
  if (!isListening && pid === undefined)
    return { gap: { why: "gateway_down", source: `nobody listens on port ${String(port)} (${gateway})` } };
  const answer = await machine.http(`http://127.0.0.1:${String(port)}/health`, { milliseconds: HEALTH_MILLISECONDS });
  const isLive = answer.status === 200 && /"ok"\s*:\s*true/.test(answer.body ?? "");
  return { row: { gateway, port, outcome: isLive ? "live" : answer.outcome === "answered" ? "wrong" : "silent" } };
}

/** Starts services of a moment, so it happens where something moved, and daily. */
async function collectCostly({ machine, soFar, kept }: Setting): Promise<FactSet> {
  const [found, units, processes] = [soFar["gateway.found"], soFar["identity.units"], soFar["identity.processes"]];
  if (found?.kind !== "known" || units?.kind !== "known") return all(costly, "not_run", "gateways and their services");
  if (!machine.isRoot) return all(costly, "not_root", "a service of a moment, in which it is tried");
  const accounts = await readAccounts(machine);
  if (accounts === undefined) return all(costly, "failed", "getent passwd");
  const boot = await machine.read("/proc/sys/kernel/random/boot_id");
  const rows = processes?.kind === "known" ? processes.value : [];
  const mark = markOf([boot, units.value, rows.map((row) => ({ ...row, others: [] }))]);
  if (costly.every((name) => isStill(kept, { name, mark, now: machine.now() }))) return {};
  const scene: Scene = { machine, accounts, gateways: found.value, units: units.value.rows, processes: rows };
  const at = machine.now();
  const [score, enforcement, inside] = [
    await scoreLooks(scene),
    await enforcementLooks(scene),
    await insideLooks(scene),
  ];
  return {
    "identity.score": marked(
      factOf(score, { level: "effective", source: "systemd-analyze security <unit>", at }),
      mark,
    ),
    "identity.enforcement": marked(
      factOf(enforcement, { level: "probed", source: "systemd-run -p <directive> -- try", at }),
      mark,
    ),
    "identity.inside": marked(
      factOf(inside, { level: "probed", source: "systemd-run <as the gateway's service> -- try inside", at }),
      mark,
    ),
  };
}

function markOf(parts: readonly unknown[]): string {
  return createHash("sha256").update(JSON.stringify(parts)).digest("base64url");
}

function isStill(
  kept: FactSet | undefined,
  { name, mark, now }: { readonly name: (typeof costly)[number]; readonly mark: string; readonly now: number },
): boolean {
  const fact = kept?.[name];
  return fact?.kind === "known" && fact.value.mark === mark && now - fact.evidence.at < REPEAT_SECONDS;
}

interface Scene {
  readonly machine: Machine;
  readonly accounts: Accounts;
  readonly gateways: readonly GatewayRow[];
  readonly units: readonly UnitRow[];
  readonly processes: readonly ProcessRow[];
}

function scoreLooks({ machine, units }: Scene): Promise<readonly Look<ScoreRow>[]> {
  return Promise.all(
    units.map(async (unit) => {
      const row = await scoreOf(machine, unit);
      return row === undefined
        ? { gap: { why: "not_visible" as const, source: `systemd-analyze security ${unit.name}` } }
        : { row };
    }),
  );
}

async function enforcementLooks({ machine, units, processes }: Scene): Promise<readonly Look<EnforcementRow>[]> {
  const looks: Look<EnforcementRow>[] = [];
  for (const unit of units) {
    const process = processes.find(({ gateway }) => unit.gateways.includes(gateway));
    const row = await enforcementOf(machine, { unit, process });
    looks.push({ row });
    if (row.untried.length > 0) looks.push({ gap: { why: "not_visible", source: row.untried.join("; ") } });
  }
  return looks;
}

async function insideLooks({ machine, accounts, gateways, units }: Scene): Promise<readonly Look<InsideRow>[]> {
  const canForbidBinding = (await isBindingEnforceable(machine)) === true;
  const looks: Look<InsideRow>[] = [];
  for (const gateway of gateways) {
    const unit = units.find(({ gateways: names }) => names.includes(gateway.gateway));
    if (gateway.pid === undefined) {
      looks.push({ gap: { why: "gateway_down", source: `the gateway of ${gateway.gateway} does not run` } });
      continue;
    }
    const result = await tryWithin({ machine, accounts, gateway, unit });
    if ("problem" in result) looks.push({ gap: { why: "not_visible", source: result.problem } });
    else {
      looks.push({ row: { gateway: gateway.gateway, canForbidBinding, ...result } });
      if (result.unit === undefined)
        looks.push({
          gap: { why: "not_visible", source: "tried as the gateway's user: it is in no service of the system's" },
        });
    }
  }
  return looks;
}

export const identityCollectors: readonly Collector[] = [
  { name: "identity", lane: "fast", gives: quick, after: ["gateway.found"], collect: collectQuick },
  {
    name: "identity-confinement",
    lane: "fast",
    gives: costly,
    after: ["gateway.found", "identity.units", "identity.processes"],
    collect: collectCostly,
  },
];
