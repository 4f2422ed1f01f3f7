/** The machine's users and groups, as the system itself names them (`getent`, so directory services count too). */
import type { Machine } from "../machine.ts";
import { ranOnce } from "./asked-once.ts";

export interface Account {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
  readonly shell: string;
  /** The second field of its line: `x` where the password is in the shadow file. */
  readonly password: "shadowed" | "empty" | "other";
}

export interface Group {
  readonly name: string;
  readonly gid: number;
  readonly members: readonly string[];
}

export function parseAccounts(text: string): readonly Account[] {
  return text.split("\n").flatMap((line) => {
    const [name, password, uid, gid, , home, shell] = line.split(":");
    if (name === undefined || name === "" || shell === undefined || home === undefined) return [];
    if (!/^\d+$/.test(uid ?? "") || !/^\d+$/.test(gid ?? "")) return [];
    const kind = password === "x" ? "shadowed" : password === "" ? "empty" : "other";
    return [{ name, uid: Number(uid), gid: Number(gid), home, shell, password: kind }];
  });
}

export function parseGroups(text: string): readonly Group[] {
  return text.split("\n").flatMap((line) => {
    const [name, , gid, members] = line.split(":");
    if (name === undefined || name === "" || !/^\d+$/.test(gid ?? "") || members === undefined) return [];
    return [{ name, gid: Number(gid), members: members.split(",").filter(Boolean) }];
  });
}

/** Names of all groups that a user is in, the primary one too. */
export function groupsOf(account: Account, groups: readonly Group[]): readonly string[] {
  return groups
    .filter(({ gid, members }) => gid === account.gid || members.includes(account.name))
    .map(({ name }) => name);
}

export interface Accounts {
  readonly accounts: readonly Account[];
  readonly groups: readonly Group[];
  /** As it was read. */
  readonly raw: string;
}

/** Undefined: neither the system nor its files could be asked. */
export async function readAccounts(machine: Machine): Promise<Accounts | undefined> {
  const [users, groups] = await Promise.all([ask(machine, "passwd"), ask(machine, "group")]);
  if (users === undefined || groups === undefined) return undefined;
  return { accounts: parseAccounts(users), groups: parseGroups(groups), raw: `${users}${groups}` };
}

async function ask(machine: Machine, database: "passwd" | "group"): Promise<string | undefined> {
  const ran = await ranOnce(machine, ["getent", database]);
  if (ran.kind === "ran" && ran.exit === 0) return ran.stdout;
  const file = await machine.read(`/etc/${database}`);
  return file.kind === "text" ? file.text : undefined;
}
