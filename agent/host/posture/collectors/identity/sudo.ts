/** What sudo would let the gateway's users do. sudo logs each question, so it is asked again only when something moved. */
import { createHash } from "node:crypto";
import type { Machine } from "../../machine.ts";
import type { Look } from "../gateway/rows.ts";

export interface SudoRow {
  readonly user: string;
  /** As sudo says it, without the names of hosts; empty: nothing. */
  readonly allowed: readonly string[];
}

const SUDO_MILLISECONDS = 4_000;

/** Of all that sudo's answer follows from. */
export async function sudoMark(machine: Machine, users: readonly string[], groups: string): Promise<string> {
  const names = (await machine.list("/etc/sudoers.d")) ?? [];
  const paths = ["/etc/sudoers", ...names.toSorted().map((name) => `/etc/sudoers.d/${name}`)];
  const texts = await Promise.all(paths.map(async (path) => ({ path, file: await machine.read(path) })));
  return createHash("sha256")
    .update(JSON.stringify([users, groups, texts]))
    .digest("base64url");
}

export async function askSudo(machine: Machine, user: string): Promise<Look<SudoRow>> {
  if ((await machine.look("/usr/bin/sudo")) === undefined) return { row: { user, allowed: [] } };
  const source = `sudo -n -l -U ${user}`;
  if (!machine.isRoot) return { gap: { why: "not_root", source } };
  const ran = await machine.run(["sudo", "-n", "-l", "-U", user], { milliseconds: SUDO_MILLISECONDS });
  if (ran.kind !== "ran") return { gap: { why: ran.kind === "missing" ? "missing_tool" : "timeout", source } };
  const allowed = parseSudo(`${ran.stdout}\n${ran.stderr}`);
  return allowed === undefined ? { gap: { why: "malformed", source } } : { row: { user, allowed } };
}

/** Undefined: neither a yes nor a no. */
export function parseSudo(text: string): readonly string[] | undefined {
  if (/ is not allowed to run sudo on /.test(text)) return [];
  const [, rules] = text.split(/ may run the following commands on [^\n]*:\n/);
  if (rules === undefined) return undefined;
  return rules
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "")
    .slice(0, 12);
}
