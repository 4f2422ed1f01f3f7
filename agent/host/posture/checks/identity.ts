/** How each check of who the programs run as is judged. */
import type { identityChecks } from "../../../../protocol/posture/identity.ts";
import type { LimitRow } from "../collectors/identity/limits.ts";
import type { ProcessRow } from "../collectors/identity/processes.ts";
import type { SudoRow } from "../collectors/identity/sudo.ts";
import type { FactReader } from "../facts.ts";
import { clause, extra, type Judgement, type Shortfalls } from "../judge.ts";
import { noGateway, of } from "./gateway/rows.ts";
import { insideShortfalls } from "./identity/inside.ts";
import { unitShortfalls } from "./identity/units.ts";

const ROOT = 0;
/** A service on paper may be as bad as this; systemd calls it "OK". */
export const MAX_UNIT_SCORE_TENTHS = 20;
const NO_SHELL = /\/(?:nologin|false)$/;
/** Each is root by one command more. */
export const ROOT_GROUPS: ReadonlySet<string> = new Set(
  "root sudo wheel admin adm docker podman lxd incus incus-admin libvirt disk shadow kmem".split(" "),
);

const eachProcess =
  (judge: (row: ProcessRow) => Shortfalls) =>
  (rows: readonly ProcessRow[], reader: FactReader): Shortfalls =>
    rows.flatMap((row) => judge(row).map((sentence) => of(row.gateway, reader, sentence)));

function dedicated({ uid, user, shell, home, homeMode }: ProcessRow): Shortfalls {
  if (uid === ROOT) return ["the gateway runs as root"];
  return [
    ...(NO_SHELL.test(shell) ? [] : [`${user} is a user who can sign in (shell ${shell || "unknown"})`]),
    ...(homeMode === undefined || (homeMode & 0o077) === 0
      ? []
      : [`${home} is open to other users (mode ${homeMode.toString(8).padStart(4, "0")})`]),
  ];
}

function alone(rows: readonly ProcessRow[], reader: FactReader): Shortfalls {
  const shared = rows.filter((row) => rows.some((other) => other !== row && other.uid === row.uid));
  const users = [...new Set(shared.map(({ user }) => user))];
  return [
    ...users.map((user) => `${user} runs more than one gateway`),
    ...eachProcess(({ uid, user, others }) => {
      if (uid === ROOT) return ["the gateway runs as root, as everything of this machine's own does"];
      return others.length === 0 ? [] : [`${user} also runs ${others.join(", ")}, outside of the gateway's service`];
    })(rows, reader),
  ];
}

function grouped({ user, groups, heldGroups }: ProcessRow): Shortfalls {
  const now = groups.filter((name) => ROOT_GROUPS.has(name));
  const still = heldGroups.filter((name) => ROOT_GROUPS.has(name) && !now.includes(name));
  return [
    ...now.map((name) => `${user} is in group ${name}`),
    ...still.map((name) => `the running gateway still has group ${name}: it must be started again`),
  ];
}

function sudoers({ rows }: { readonly rows: readonly SudoRow[] }): Shortfalls {
  return rows.flatMap(({ user, allowed }) =>
    allowed.length === 0 ? [] : [`sudo lets ${user} run ${allowed.join("; ")}`],
  );
}

function gaining({ uid, noNewPrivileges, capabilities }: ProcessRow): Shortfalls {
  if (uid === ROOT) return ["the gateway is root already"];
  return [
    ...(noNewPrivileges ? [] : ["NoNewPrivs is 0: setuid programs work for the gateway"]),
    ...(capabilities ? ["the gateway has capabilities of root"] : []),
  ];
}

function split(reader: FactReader): Shortfalls {
  const [agents, processes] = [reader.get("identity.agents"), reader.get("identity.processes")];
  if (agents.kind === "unknown" || processes.kind === "unknown") return [];
  return agents.value.flatMap(({ role, uid }) =>
    processes.value
      .filter((process) => process.uid === uid)
      .map(({ user }) => `clawhold host ${role} and the gateway both run as ${user}`),
  );
}

/** A gateway needs some; a machine needs the rest. */
function limited({ memory, tasks, hasCpuQuota, machineMemory, core }: LimitRow): Shortfalls {
  return [
    ...(memory === undefined || (machineMemory > 0 && memory >= machineMemory)
      ? ["its memory has no limit below the machine's"]
      : []),
    ...(tasks === undefined ? ["the number of its tasks has no limit"] : []),
    ...(hasCpuQuota ? [] : ["its share of the processors has no limit"]),
    ...(core === "0" ? [] : [`it may leave memory dumps (core limit ${core || "unknown"})`]),
  ];
}

function noService(reader: FactReader): string | undefined {
  const none = noGateway(reader);
  const units = reader.get("identity.units");
  if (none !== undefined && units.kind === "known" && units.value.rows.length > 0) return undefined;
  if (none !== undefined) return none;
  return units.kind === "known" && !units.value.hasSystemd ? "no_systemd" : undefined;
}

/** Nothing is asked for where there is no service; that there is none, other checks say. */
function noUnit(reader: FactReader): string | undefined {
  const units = reader.get("identity.units");
  return units.kind === "known" && units.value.rows.length === 0 ? "no_service" : undefined;
}

function noAgent(reader: FactReader): string | undefined {
  const agents = reader.get("identity.agents");
  return noGateway(reader) ?? (agents.kind === "known" && agents.value.length === 0 ? "no_agent" : undefined);
}

function outsideOfServices(reader: FactReader): Shortfalls {
  const [units, processes] = [reader.get("identity.units"), reader.get("identity.processes")];
  if (units.kind === "unknown" || processes.kind === "unknown") return [];
  const served = units.value.rows.flatMap(({ gateways }) => gateways);
  return processes.value
    .filter(({ gateway }) => !served.includes(gateway))
    .map(({ gateway, pid, user }) =>
      of(gateway, reader, `process ${String(pid)} of ${user} is in no service: nothing starts it again or confines it`),
    );
}

export const identityJudgements = {
  "usr.dedicated": { exempt: noGateway, clauses: [clause("identity.processes", eachProcess(dedicated))] },
  "usr.single-tenant": { exempt: noGateway, clauses: [clause("identity.processes", alone)] },
  "usr.no-sudo": {
    exempt: noGateway,
    clauses: [clause("identity.processes", eachProcess(grouped)), clause("identity.sudo", sudoers)],
  },
  "usr.setuid-reach": { exempt: noGateway, clauses: [clause("identity.processes", eachProcess(gaining))] },
  "usr.uid0": {
    clauses: [
      clause("accounts.roots", (names) =>
        names.filter((name) => name !== "root").map((name) => `${name} has number 0, and so is root`),
      ),
    ],
  },
  "usr.empty-pw": {
    clauses: [clause("accounts.empty", (names) => names.map((name) => `${name} has an empty password`))],
  },
  "agent.split": {
    exempt: noAgent,
    clauses: [clause("identity.agents", (_, reader) => split(reader)), clause("identity.processes", () => [])],
  },
  "unit.starts": {
    exempt: noService,
    clauses: [
      clause("identity.units", ({ rows }, reader) => [...rows.flatMap(unitShortfalls), ...outsideOfServices(reader)]),
      clause("identity.health", (rows, reader) =>
        rows
          .filter(({ outcome }) => outcome !== "live")
          .map(({ gateway, port, outcome }) =>
            of(
              gateway,
              reader,
              `port ${String(port)} ${outcome === "silent" ? "does not answer" : "answers, and not as a gateway"}`,
            ),
          ),
      ),
    ],
  },
  "unit.score": {
    exempt: noService,
    clauses: [
      clause("identity.score", ({ rows }) =>
        rows
          .filter(({ tenths }) => tenths > MAX_UNIT_SCORE_TENTHS)
          .map(
            ({ unit, tenths }) =>
              `systemd-analyze gives ${unit} ${(tenths / 10).toFixed(1)}, above ${(MAX_UNIT_SCORE_TENTHS / 10).toFixed(1)}`,
          ),
      ),
      extra("identity.units", (_, reader) => outsideOfServices(reader)),
    ],
  },
  "unit.probes": {
    exempt: noService,
    clauses: [clause("identity.inside", ({ rows }, reader) => rows.flatMap((row) => insideShortfalls(row, reader)))],
  },
  "unit.directive-supported": {
    exempt: (reader) => noService(reader) ?? noUnit(reader),
    clauses: [
      clause("identity.enforcement", ({ rows }) =>
        rows.flatMap(({ unit, ignored }) => ignored.map((one) => `${unit}: ${one}`)),
      ),
    ],
  },
  "unit.resources": {
    exempt: noService,
    clauses: [
      clause("identity.limits", (rows, reader) =>
        rows.flatMap((row) => limited(row).map((sentence) => of(row.gateway, reader, sentence))),
      ),
    ],
  },
} satisfies Record<keyof typeof identityChecks, Judgement>;
