/** The gateways' processes as the kernel has them: as whom they run, what they may still gain, what else their user runs. */
import { parseStatus, type ProcessStatus } from "../processes.ts";
import { processNamesNow } from "../gateway/process-names.ts";
import { groupsOf, type Accounts } from "../accounts.ts";
import type { GatewayRow } from "../gateway.ts";
import type { Machine } from "../../machine.ts";
import type { Look } from "../gateway/rows.ts";

export interface ProcessRow {
  readonly gateway: string;
  readonly pid: number;
  readonly uid: number;
  readonly user: string;
  readonly shell: string;
  readonly home: string;
  /** Permission bits; undefined: no such directory. */
  readonly homeMode?: number;
  /** Groups that its user is in, and those that the process itself still holds. */
  readonly groups: readonly string[];
  readonly heldGroups: readonly string[];
  readonly noNewPrivileges: boolean;
  readonly seccomp: boolean;
  readonly capabilities: boolean;
  /** Its view of the file system is its own. */
  readonly isMountedApart: boolean;
  readonly group: string;
  /** Other processes of its user outside of its service, by name. */
  readonly others: readonly string[];
  readonly coreLimit: string;
}

/** Programs of a signed-in person that are no work of its own. */
const SESSION = new Set(["systemd", "(sd-pam)", "dbus-daemon", "sshd", "sshd-session", "bash", "sh"]);
const AT_ONCE = 64;

interface Seen {
  readonly pid: number;
  readonly name: string;
  readonly status: ProcessStatus;
}

/** All that can be seen; names may lie, numbers may not. */
export async function statuses(machine: Machine): Promise<readonly Seen[]> {
  const names = await processNamesNow(machine);
  const found: Seen[] = [];
  for (let from = 0; from < names.length; from += AT_ONCE) {
    const part = names.slice(from, from + AT_ONCE).map(async ({ pid, name }): Promise<readonly Seen[]> => {
      const file = await machine.read(`/proc/${String(pid)}/status`);
      const status = file.kind === "text" ? parseStatus(file.text) : undefined;
      return status === undefined ? [] : [{ pid, name, status }];
    });
    found.push(...(await Promise.all(part)).flat());
  }
  return found;
}

export interface Looking {
  readonly machine: Machine;
  readonly accounts: Accounts;
  readonly all: readonly Seen[];
}

export async function lookAt(gateway: GatewayRow, looking: Looking): Promise<Look<ProcessRow>> {
  const { machine, all } = looking;
  const { pid } = gateway;
  const self = all.find((one) => one.pid === pid);
  if (pid === undefined || self === undefined)
    return { gap: { why: "gateway_down", source: `no process of the gateway of ${gateway.gateway} can be seen` } };
  const { status } = self;
  const [own, first, limits, group] = await Promise.all([
    machine.linkTarget(`/proc/${String(pid)}/ns/mnt`),
    machine.linkTarget("/proc/1/ns/mnt"),
    machine.read(`/proc/${String(pid)}/limits`),
    groupPath(machine, pid),
  ]);
  const core = limits.kind === "text" ? /^Max core file size\s+(\S+)/m.exec(limits.text)?.[1] : undefined;
  return {
    row: {
      gateway: gateway.gateway,
      pid,
      ...(await userOf(status, looking)),
      noNewPrivileges: status.noNewPrivileges,
      seccomp: status.seccomp === 2,
      capabilities: /[1-9a-f]/.test(status.effective),
      isMountedApart: own !== undefined && first !== undefined && own !== first,
      group,
      others: await othersOf({ pid, uid: status.uid, group }, looking),
      coreLimit: core ?? "",
    },
  };
}

type User = Pick<ProcessRow, "uid" | "user" | "shell" | "home" | "homeMode" | "groups" | "heldGroups">;

async function userOf(status: ProcessStatus, { machine, accounts }: Looking): Promise<User> {
  const { uid } = status;
  const account = accounts.accounts.find((one) => one.uid === uid);
  const nameOf = (gid: number): string => accounts.groups.find((group) => group.gid === gid)?.name ?? String(gid);
  const heldGroups = [...new Set([status.gid, ...status.groups])].map(nameOf);
  if (account === undefined) return { uid, user: `uid ${String(uid)}`, shell: "", home: "", groups: [], heldGroups };
  const { name, shell, home } = account;
  const facts = await machine.look(home);
  const homeMode = facts === undefined ? {} : { homeMode: facts.mode };
  return { uid, user: name, shell, home, groups: groupsOf(account, accounts.groups), heldGroups, ...homeMode };
}

async function groupPath(machine: Machine, pid: number): Promise<string> {
  const file = await machine.read(`/proc/${String(pid)}/cgroup`);
  return file.kind === "text" ? (/^0::(\/.*)$/m.exec(file.text)?.[1] ?? "") : "";
}

async function othersOf(
  own: { readonly pid: number; readonly uid: number; readonly group: string },
  { machine, all }: Pick<Looking, "machine" | "all">,
): Promise<readonly string[]> {
  const same = all.filter(
    (one) => one.pid !== own.pid && one.status.uid === own.uid && !SESSION.has(one.name) && !isTry(one, all),
  );
  const found = await Promise.all(
    same.map(async ({ pid, name }) => ((await isBelow(machine, { pid, own })) ? [] : [name])),
  );
  return [...new Set(found.flat())].slice(0, 8);
}

/** What a scan tries as the gateway's user: a child of a Node of root's. No user can make root his parent. */
function isTry({ status }: Seen, all: readonly Seen[]): boolean {
  const parent = all.find(({ pid }) => pid === status.parent);
  return parent !== undefined && parent.status.uid === 0 && /^(?:node|MainThread)/.test(parent.name);
}

/** In the gateway's own service, or one of ours. */
async function isBelow(
  machine: Machine,
  { pid, own }: { readonly pid: number; readonly own: { readonly pid: number; readonly group: string } },
): Promise<boolean> {
  const group = await groupPath(machine, pid);
  // A service of a moment that root started by `systemd-run` without a name: another scan's.
  if (/^\/system\.slice\/run-[\w-]+\.service$/.test(group)) return true;
  return own.group !== "" && own.group !== "/" && (group === own.group || group.startsWith(`${own.group}/`));
}
