/** Every key that may open this machine, by user, and the files that they stand in; and the machine's own keys. */
import type { Machine } from "../../machine.ts";
import { known, unknown, type Fact } from "../../fact.ts";
import type { Account, Accounts } from "../accounts.ts";
import { parseAuthorizedKey, type AuthorizedKey } from "./authorized-keys.ts";
import type { Effective, Settings } from "./effective.ts";

export interface KeyFile {
  readonly path: string;
  readonly user: string;
  readonly keys: readonly AuthorizedKey[];
  /** Who else could write keys into it, in words; empty: nobody. */
  readonly weaknesses: readonly string[];
}

export interface Keys {
  readonly files: readonly KeyFile[];
  /** What gives out keys that stand in no file. */
  readonly elsewhere: readonly string[];
}

export interface HostKey {
  readonly path: string;
  readonly uid: number;
  readonly mode: number;
  readonly type: string;
  readonly bits?: number;
}

export interface HostKeys {
  readonly keys: readonly HostKey[];
  /** Named by the configuration and not there. */
  readonly missing: readonly string[];
}

const DEFAULT_FILES = [".ssh/authorized_keys", ".ssh/authorized_keys2"] as const;
const MAX_FILES = 400;
/** Of one file: its owner writes it, and what is seen is kept. */
const MAX_KEYS = 200;
const OTHERS_WRITE = 0o022;
const ROOT = 0;

export async function findKeys(
  machine: Machine,
  { accounts, effective }: { readonly accounts: Accounts; readonly effective: Fact<Effective> },
): Promise<Fact<Keys>> {
  const answers = effective.kind === "known" ? effective.value.answers.map(({ settings }) => settings) : [];
  const patterns = [
    ...new Set(answers.flatMap(({ authorizedkeysfile = [] }) => authorizedkeysfile.join(" ").split(/\s+/))),
  ];
  const files: KeyFile[] = [];
  const denied: string[] = [];
  const places = placesOf(accounts, patterns.length === 0 ? DEFAULT_FILES : patterns).slice(0, MAX_FILES);
  for (const { path, account } of places) {
    const file = await machine.read(path);
    if (file.kind === "absent") continue;
    if (file.kind !== "text") {
      denied.push(path);
      continue;
    }
    const keys = file.text.split("\n").flatMap((line) => parseAuthorizedKey(line) ?? []);
    const weaknesses = await weaknessesOf(machine, { path, account, file });
    const many = keys.length > MAX_KEYS ? [`${path} holds ${String(keys.length)} keys, more than are looked at`] : [];
    files.push({ path, user: account.name, keys: keys.slice(0, MAX_KEYS), weaknesses: [...weaknesses, ...many] });
  }
  const elsewhere = [...new Set(answers.flatMap(elsewhereOf))];
  const raw = files
    .map(({ path, keys }) => `${path}: ${keys.map(({ fingerprint }) => fingerprint).join(" ")}`)
    .join("\n");
  const source = `authorized keys of ${String(accounts.accounts.length)} users`;
  const isGuess = effective.kind === "unknown";
  // Without root another user's file cannot be told from none: his folder is closed to us.
  if (!machine.isRoot && (denied.length > 0 || isGuess)) {
    return { ...seen({ files, elsewhere }, { machine, source, raw }), gap: { why: "not_root", source } };
  }
  const fact = seen({ files, elsewhere }, { machine, source, raw });
  if (denied.length === 0) return fact;
  return { ...fact, gap: { why: "not_visible", source: `not a plain file, or too large: ${denied.join(", ")}` } };
}

function seen(value: Keys, { machine, source, raw }: { machine: Machine; source: string; raw: string }) {
  return known(value, { level: "runtime", source, at: machine.now(), raw });
}

function elsewhereOf(settings: Settings): readonly string[] {
  const names = {
    authorizedkeyscommand: "AuthorizedKeysCommand",
    trustedusercakeys: "TrustedUserCAKeys",
    authorizedprincipalscommand: "AuthorizedPrincipalsCommand",
  };
  return Object.entries(names).flatMap(([name, said]) =>
    (settings[name] ?? []).filter((value) => value !== "none").map((value) => `${said} ${value}`),
  );
}

interface Place {
  readonly path: string;
  readonly account: Account;
}

/** `%h`, `%u`, `%U` and paths relative to the home, as sshd_config(5) says. */
function placesOf({ accounts }: Accounts, patterns: readonly string[]): readonly Place[] {
  const found = new Map<string, Place>();
  for (const account of accounts) {
    for (const pattern of patterns.filter((one) => one !== "" && one !== "none")) {
      const named = pattern.replaceAll(/%[%huU]/g, (token) => valueOf(token, account));
      const path = named.startsWith("/") ? named : `${account.home}/${named}`;
      // Several system users share a home that is not theirs.
      if (!found.has(path)) found.set(path, { path, account });
    }
  }
  return [...found.values()];
}

function valueOf(token: string, { home, name, uid }: Account): string {
  if (token === "%h") return home;
  if (token === "%u") return name;
  return token === "%U" ? String(uid) : "%";
}

async function weaknessesOf(
  machine: Machine,
  { path, account, file }: Place & { readonly file: { readonly uid: number; readonly mode: number } },
): Promise<readonly string[]> {
  const found: string[] = [];
  if (file.uid !== ROOT && file.uid !== account.uid) found.push(`${path} belongs to user number ${String(file.uid)}`);
  if ((file.mode & OTHERS_WRITE) !== 0) found.push(`${path} can be written by others (mode ${octal(file.mode)})`);
  const directory = path.slice(0, path.lastIndexOf("/"));
  const facts = await machine.look(directory);
  if (facts?.kind === "directory") {
    if (facts.uid !== ROOT && facts.uid !== account.uid)
      found.push(`${directory} belongs to user number ${String(facts.uid)}`);
    if ((facts.mode & OTHERS_WRITE) !== 0)
      found.push(`${directory} can be written by others (mode ${octal(facts.mode)})`);
  }
  return found;
}

export function octal(mode: number): string {
  return mode.toString(8).padStart(4, "0");
}

export async function findHostKeys(machine: Machine, effective: Fact<Effective>): Promise<Fact<HostKeys>> {
  const told = effective.kind === "known" ? (effective.value.answers[0]?.settings["hostkey"] ?? []) : [];
  const names = (await machine.list("/etc/ssh")) ?? [];
  const found = names.filter((name) => /^ssh_host_\w+_key$/.test(name)).map((name) => `/etc/ssh/${name}`);
  const paths = [...new Set([...told, ...found])];
  const keys: HostKey[] = [];
  const missing: string[] = [];
  for (const path of paths) {
    const facts = await machine.look(path);
    const open = await machine.read(`${path}.pub`);
    const key = open.kind === "text" ? parseAuthorizedKey(open.text) : undefined;
    if (facts === undefined) missing.push(path);
    else {
      const { uid, mode } = facts;
      keys.push({
        path,
        uid,
        mode,
        type: key?.type ?? "unknown",
        ...(key?.bits === undefined ? {} : { bits: key.bits }),
      });
    }
  }
  const source = "host keys in /etc/ssh";
  if (keys.length === 0) return unknown("not_visible", `${source}: none found`);
  const raw = keys
    .map(({ path, mode, type, bits }) => `${octal(mode)} ${path} ${type} ${String(bits ?? "")}`)
    .join("\n");
  return known(
    { keys, missing: missing.filter((path) => told.includes(path)) },
    { level: "runtime", source, at: machine.now(), raw },
  );
}
