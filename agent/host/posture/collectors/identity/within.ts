/**
 * From inside a gateway's service: a service of a moment with the same confinement, as its files say it, in which this program
 * tries what a taken-over gateway would try. Always as the user of the gateway's process: anybody can be in a service that has
 * no user of its own (a task of cron's), and what is tried there lies where he says. Where there is no service of the system's, the same is tried
 * as the gateway's user, which can only look better than it is, so it may fail a check and not pass one.
 */
import type { Machine, Ran } from "../../machine.ts";
import { encodeSpec, parseAnswer, type InsideAnswer, type InsideSpec } from "../../inside.ts";
import { transient } from "./enforcement.ts";
import { systemctlOf, type UnitRow } from "./units.ts";
import type { Accounts } from "../accounts.ts";
import type { GatewayRow } from "../gateway.ts";

export interface InsideRow {
  readonly gateway: string;
  /** Undefined: tried as its user alone. */
  readonly unit?: string;
  readonly answer: InsideAnswer;
  /** Whether this system could forbid a service to listen. */
  readonly canForbidBinding: boolean;
}

/** Confinement alone; nothing that starts, stops, mends, names, or hands over. */
const REPEATED = new Set(
  `AmbientCapabilities BindPaths BindReadOnlyPaths CapabilityBoundingSet DeviceAllow DevicePolicy ExecPaths
  IPAddressAllow IPAddressDeny InaccessiblePaths KeyringMode LockPersonality MemoryDenyWriteExecute MountAPIVFS
  NetworkNamespacePath NoExecPaths NoNewPrivileges PrivateDevices PrivateIPC PrivateMounts PrivateNetwork PrivateTmp
  PrivateUsers ProcSubset ProtectClock ProtectControlGroups ProtectHome ProtectHostname ProtectKernelLogs
  ProtectKernelModules ProtectKernelTunables ProtectProc ProtectSystem ReadOnlyPaths ReadWritePaths
  RestrictAddressFamilies RestrictFileSystems RestrictNamespaces RestrictNetworkInterfaces RestrictRealtime
  RestrictSUIDSGID SecureBits SocketBindAllow SocketBindDeny SupplementaryGroups SystemCallArchitectures
  SystemCallErrorNumber SystemCallFilter TemporaryFileSystem UMask`.split(/\s+/),
);
/** Directories that systemd makes for a service, and lets it write to. */
const MADE: Readonly<Record<string, string>> = {
  StateDirectory: "/var/lib",
  CacheDirectory: "/var/cache",
  LogsDirectory: "/var/log",
  RuntimeDirectory: "/run",
};
const MAX_PROPERTIES = 400;

/** Undefined: it says something that cannot be repeated. */
export function confinementOf(
  text: string,
  { user, home }: { readonly user: string; readonly home: string },
): readonly string[] | undefined {
  const found: string[] = [];
  let isService = false;
  // A line that ends in a backslash goes on.
  for (const raw of text.replaceAll(/\\\n[ \t]*/g, " ").split("\n")) {
    const line = raw.trim();
    if (/^\[.*\]$/.test(line)) isService = line === "[Service]";
    const equals = line.indexOf("=");
    if (!isService || equals <= 0 || /^[#;]/.test(line)) continue;
    const key = line.slice(0, equals).trim();
    const value = line
      .slice(equals + 1)
      .trim()
      .replaceAll("%h", home)
      .replaceAll("%u", user);
    const made = Object.hasOwn(MADE, key) ? MADE[key] : undefined;
    if (made !== undefined) {
      found.push(
        ...value
          .split(/\s+/)
          .filter(Boolean)
          .map((name) => `ReadWritePaths=-${made}/${name.split(":")[0] ?? ""}`),
      );
      continue;
    }
    if (!REPEATED.has(key)) continue;
    if (value.includes("%")) return undefined;
    found.push(`${key}=${value}`);
  }
  return found.length > MAX_PROPERTIES ? undefined : found;
}

export interface Trying {
  readonly machine: Machine;
  readonly accounts: Accounts;
  readonly gateway: GatewayRow;
  readonly unit: UnitRow | undefined;
}

export type Tried = { readonly answer: InsideAnswer; readonly unit?: string } | { readonly problem: string };

export async function tryWithin(trying: Trying): Promise<Tried> {
  const { machine, unit, gateway } = trying;
  const word = encodeSpec(specOf(trying));
  if (unit === undefined || unit.scope === "user") {
    const ran = await machine.run([...machine.self, "try", "inside", word], {
      as: { uid: gateway.uid, gid: gateway.gid },
    });
    const answer = answerOf(ran);
    return answer === undefined ? { problem: `nothing could be tried as ${gateway.user}` } : { answer };
  }
  const cat = await machine.run([...systemctlOf(unit), "cat", "--", unit.name]);
  const text = cat.kind === "ran" && cat.exit === 0 ? cat.stdout : undefined;
  const confinement = text === undefined ? undefined : confinementOf(text, gateway);
  if (confinement === undefined) return { problem: `the confinement of ${unit.name} cannot be repeated` };
  const identity = [`User=${String(gateway.uid)}`, `Group=${String(gateway.gid)}`];
  const ran = await machine.run([...transient([...confinement, ...identity]), ...machine.self, "try", "inside", word], {
    milliseconds: 15_000,
  });
  const answer = answerOf(ran);
  if (answer !== undefined) return { answer, unit: unit.name };
  const why = ran.kind === "ran" ? `code ${String(ran.exit)}` : ran.kind;
  return { problem: `this program could not be run in the confinement of ${unit.name} (${why})` };
}

function answerOf(ran: Ran): InsideAnswer | undefined {
  return ran.kind === "ran" && ran.exit === 0 ? parseAnswer(ran.stdout) : undefined;
}

function specOf({ accounts, gateway }: Trying): InsideSpec {
  const homes = accounts.accounts
    .filter(
      ({ uid, home }) => uid >= 1_000 && uid < 60_000 && home.startsWith("/") && home !== gateway.home && home !== "/",
    )
    .map(({ home }) => home);
  return { uid: gateway.uid, homes: [...new Set(homes)].slice(0, 16), state: gateway.directory };
}
