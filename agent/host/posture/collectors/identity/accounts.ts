/** Accounts that are root by another name, or open without a password. */
import { known, unknown, type Fact } from "../../fact.ts";
import type { Machine } from "../../machine.ts";
import type { Accounts } from "../accounts.ts";

const ROOT = 0;

/** Names of all accounts with number 0. */
export function rootsOf(machine: Machine, { accounts }: Accounts): Fact<readonly string[]> {
  const names = accounts.filter(({ uid }) => uid === ROOT).map(({ name }) => name);
  const excerpt = `number 0: ${names.join(", ")}`;
  return known(names, { level: "runtime", source: "getent passwd", at: machine.now(), raw: excerpt });
}

/** Names of accounts whose password is the empty one. The file's hashes leave this function as a digest alone. */
export async function emptyPasswords(machine: Machine, { accounts }: Accounts): Promise<Fact<readonly string[]>> {
  const open = accounts.filter(({ password }) => password === "empty").map(({ name }) => name);
  const file = await machine.read("/etc/shadow");
  const source = "/etc/shadow";
  if (file.kind === "denied" || (file.kind === "absent" && !machine.isRoot)) {
    const seen = known(open, { level: "runtime", source: "getent passwd", at: machine.now(), raw: open.join(",") });
    return open.length === 0 ? unknown("not_root", source) : { ...seen, gap: { why: "not_root", source } };
  }
  const shadow = file.kind === "text" ? namesWithout(file.text) : [];
  if (file.kind !== "text" && file.kind !== "absent") return unknown("failed", source);
  const names = [...new Set([...open, ...shadow])];
  const excerpt = names.length === 0 ? "none is empty" : `empty: ${names.join(", ")}`;
  return known(names, { level: "runtime", source, at: machine.now(), raw: excerpt });
}

export function namesWithout(shadow: string): readonly string[] {
  return shadow.split("\n").flatMap((line) => {
    const [name = "", password] = line.split(":");
    return name !== "" && password === "" ? [name] : [];
  });
}
