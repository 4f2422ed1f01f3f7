/** Users of this machine as its own file lists them; those of a directory service show by the processes that they run. */
import type { Machine } from "../../machine.ts";

export interface Person {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}

const MAX_PEOPLE = 2_000;

export async function peopleOf(machine: Machine): Promise<readonly Person[]> {
  const file = await machine.read("/etc/passwd");
  const listed = file.kind === "text" ? peopleIn(file.text) : [];
  if (listed.some(({ uid }) => uid === machine.uid)) return listed;
  return [...listed, { name: "this user", uid: machine.uid, gid: machine.uid, home: machine.homeDirectory }];
}

/** One row for each user id: two names of one user have the same files. Homes of the system itself hold no gateway. */
export function peopleIn(text: string): readonly Person[] {
  const found = new Map<number, Person>();
  for (const line of text.split("\n").slice(0, MAX_PEOPLE)) {
    const [name = "", , uidText = "", gidText = "", , home = ""] = line.split(":");
    const [uid, gid] = [Number(uidText), Number(gidText)];
    if (!/^[A-Za-z0-9_.][A-Za-z0-9_.$-]{0,31}$/.test(name) || !Number.isSafeInteger(uid) || uidText === "") continue;
    if (!found.has(uid)) found.set(uid, { name, uid, gid, home: homeOf(home) });
  }
  return [...found.values()];
}

const SYSTEM_HOMES = /^\/(?:$|bin|dev|proc|run|sbin|usr|nonexistent)(?:\/|$)/;

function homeOf(home: string): string {
  return home.startsWith("/") && !SYSTEM_HOMES.test(home) ? home : "/";
}
