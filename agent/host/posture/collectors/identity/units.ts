/** The services that run gateways, or should: what systemd says of each, by its own names of properties. */
import { unitOfGroup, type Unit } from "../../../gateway/systemd-unit.ts";
import type { Machine } from "../../machine.ts";
import type { GatewayRow } from "../gateway.ts";

export interface UnitRow {
  readonly name: string;
  readonly scope: "system" | "user";
  /** Of the user's manager; 0 of the system's. */
  readonly uid: number;
  /** Gateways whose process is in it. */
  readonly gateways: readonly string[];
  readonly properties: Readonly<Record<string, string>>;
}

export const unitProperties = [
  "Id",
  "LoadState",
  "ActiveState",
  "SubState",
  "UnitFileState",
  "Result",
  "ExecMainStatus",
  "NRestarts",
  "MainPID",
  "FragmentPath",
  "DropInPaths",
  "InvocationID",
  "NeedDaemonReload",
  "ControlGroup",
  "User",
  "NoNewPrivileges",
  "SystemCallFilter",
  "IPAddressAllow",
  "IPAddressDeny",
  "SocketBindAllow",
  "SocketBindDeny",
  "RestrictNetworkInterfaces",
  "RestrictFileSystems",
  "ProtectSystem",
  "ProtectHome",
  "PrivateTmp",
  "MemoryMax",
  "TasksMax",
  "CPUQuotaPerSecUSec",
  "LimitCORE",
] as const;

const UNIT_DIRECTORIES = [
  "/etc/systemd/system",
  "/run/systemd/system",
  "/usr/local/lib/systemd/system",
  "/usr/lib/systemd/system",
];
/** Ours only look at it. */
const GATEWAY_UNIT = /^(?:openclaw|clawdbot|moltbot)[\w.@-]*\.service$/;
const MAX_UNITS = 16;

/** Undefined: no systemd here. */
export async function findUnits(
  machine: Machine,
  gateways: readonly GatewayRow[],
): Promise<readonly UnitRow[] | undefined> {
  if ((await machine.look("/run/systemd/system")) === undefined) return undefined;
  const units = new Map<string, { unit: Pick<Unit, "scope" | "uid" | "name">; gateways: string[] }>();
  const add = (unit: Pick<Unit, "scope" | "uid" | "name">, gateway?: string): void => {
    const key = `${unit.scope} ${String(unit.uid)} ${unit.name}`;
    const found = units.get(key) ?? { unit, gateways: [] };
    units.set(key, found);
    if (gateway !== undefined) found.gateways.push(gateway);
  };
  for (const { gateway, pid } of gateways) {
    const group = pid === undefined ? undefined : await machine.read(`/proc/${String(pid)}/cgroup`);
    const unit = group?.kind === "text" ? unitOfGroup(group.text) : undefined;
    if (unit !== undefined) add(unit, gateway);
  }
  for (const directory of UNIT_DIRECTORIES)
    for (const name of (await machine.list(directory)) ?? [])
      if (GATEWAY_UNIT.test(name) && !name.includes("@.") && !(await isMovedFrom(machine, name)))
        add({ scope: "system", uid: 0, name });
  return Promise.all([...units.values()].slice(0, MAX_UNITS).map((one) => rowOf(machine, one)));
}

/** Its gateway has a service of its own now, and this one does not start while that is there. */
async function isMovedFrom(machine: Machine, name: string): Promise<boolean> {
  return (await machine.look(`/etc/systemd/system/${name}.d/zz-clawhold-moved.conf`)) !== undefined;
}

async function rowOf(
  machine: Machine,
  { unit, gateways }: { readonly unit: Pick<Unit, "scope" | "uid" | "name">; readonly gateways: readonly string[] },
): Promise<UnitRow> {
  const { scope, uid, name } = unit;
  const ran = await machine.run([...systemctlOf(unit), "show", `--property=${unitProperties.join(",")}`, "--", name]);
  const text = ran.kind === "ran" && ran.exit === 0 ? ran.stdout : "";
  return { name, scope, uid, gateways, properties: parseProperties(text) };
}

export function systemctlOf({ scope, uid }: Pick<Unit, "scope" | "uid">): readonly string[] {
  return scope === "system" ? ["systemctl"] : ["systemctl", "--user", `--machine=${String(uid)}@.host`];
}

export function parseProperties(text: string): Readonly<Record<string, string>> {
  return Object.fromEntries(
    text.split("\n").flatMap((line) => {
      const equals = line.indexOf("=");
      return equals <= 0 ? [] : [[line.slice(0, equals), line.slice(equals + 1)]];
    }),
  );
}
