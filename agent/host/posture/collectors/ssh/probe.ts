/**
 * A stranger's view of sshd: which algorithms it offers, and how it would let whom prove who he is. Each connection costs sshd
 * a process and a line in its log, so it is only looked at again when its configuration or its sockets moved, or after a day.
 */
import { createHash } from "node:crypto";
import type { FactSet } from "../../facts.ts";
import type { Machine } from "../../machine.ts";
import { known, unknown, type Fact } from "../../fact.ts";
import type { Listen } from "../processes.ts";
import type { Effective } from "./effective.ts";
import type { Hear, Offer } from "./hello.ts";
import type { Daemon } from "./daemon.ts";

export interface MethodsSeen {
  readonly address: string;
  readonly port: number;
  readonly user: string;
  /** As sshd names them; `none` alone: it let us in. */
  readonly methods: readonly string[];
}

export interface Methods {
  readonly seen: readonly MethodsSeen[];
  /** Of what was there when it was seen. */
  readonly mark: string;
}

export interface OfferSeen extends Offer {
  readonly address: string;
  readonly port: number;
}

export interface Offers {
  readonly seen: readonly OfferSeen[];
  readonly mark: string;
}

/** sshd counts connections that never signed in against their source (PerSourcePenalties): few, and one after the other. */
const MAX_METHOD_TRIES = 6;
const MAX_DOORS = 4;
const SSH_MILLISECONDS = 8_000;
const ORDINARY_USER = "clawhold-nobody";
const REPEAT_SECONDS = 20 * 3_600;

/** Of everything that decides what a stranger sees. */
export function markOf(effective: Fact<Effective>, daemon: Daemon, addresses: readonly string[]): string {
  const told = effective.kind === "known" ? effective.evidence.digest : effective.why;
  return createHash("sha256")
    .update(JSON.stringify([told, daemon, addresses]))
    .digest("base64url");
}

/** True: what was seen earlier is still what one would see. */
export function isStillSeen(kept: FactSet | undefined, { mark, now }: { mark: string; now: number }): boolean {
  return (["ssh.methods", "ssh.offers"] as const).every((name) => {
    const fact = kept?.[name];
    return fact?.kind === "known" && fact.value.mark === mark && now - fact.evidence.at < REPEAT_SECONDS;
  });
}

/** Where to knock: loopback and one outer address of each port, as far as sshd listens there. */
export function doorsOf(daemon: Daemon, own: readonly string[]): readonly Listen[] {
  const found: Listen[] = [];
  for (const { address, port } of daemon.listens) {
    const isEverywhere = address === "0.0.0.0" || address === "::" || address === "*";
    const outer = own.filter((one) => (address === "0.0.0.0" ? !one.includes(":") : true));
    const here = isEverywhere ? [address === "0.0.0.0" ? "127.0.0.1" : "::1", ...outer] : [address];
    for (const one of here)
      if (!found.some((door) => door.address === one && door.port === port)) found.push({ address: one, port });
  }
  return found.toSorted((one, other) => rank(one) - rank(other));
}

/** What the world sees comes first. */
function rank({ address }: Listen): number {
  return address === "127.0.0.1" || address === "::1" ? 1 : 0;
}

export async function seeOffers(
  machine: Machine,
  { doors, hear, mark }: { readonly doors: readonly Listen[]; readonly hear: Hear; readonly mark: string },
): Promise<Fact<Offers>> {
  const source = `SSH hello to ${doors.map(nameOf).join(", ")}`;
  const seen: OfferSeen[] = [];
  const silent: string[] = [];
  for (const { address, port } of doors.slice(0, MAX_DOORS)) {
    const heard = await hear(address, port);
    if (heard.kind === "offer") seen.push({ address, port, ...heard.offer });
    else silent.push(`${nameOf({ address, port })} (${heard.kind})`);
  }
  if (seen.length === 0) return unknown("not_visible", `${source}: no answer from ${silent.join(", ")}`);
  const raw = JSON.stringify(seen);
  const { banner, keyExchange, macs, ciphers } = seen[0] ?? { banner: "", keyExchange: [], macs: [], ciphers: [] };
  const excerpt = `${banner}\nkex ${keyExchange.join(",")}\nciphers ${ciphers.join(",")}\nmacs ${macs.join(",")}`;
  return known({ seen, mark }, { level: "probed", source, at: machine.now(), raw, excerpt });
}

export async function seeMethods(
  machine: Machine,
  {
    doors,
    users,
    mark,
  }: { readonly doors: readonly Listen[]; readonly users: readonly string[]; readonly mark: string },
): Promise<Fact<Methods>> {
  const tries = doors.flatMap((door) => users.map((user) => ({ ...door, user }))).slice(0, MAX_METHOD_TRIES);
  const seen: MethodsSeen[] = [];
  const raw: string[] = [];
  for (const one of tries) {
    const argv = methodsArguments(one);
    const ran = await machine.run(argv, { milliseconds: SSH_MILLISECONDS });
    if (ran.kind === "missing") return unknown("missing_tool", "ssh: no client to ask with");
    if (ran.kind !== "ran") continue;
    const methods = parseMethods(ran.stderr);
    if (methods === undefined) continue;
    seen.push({ ...one, methods });
    raw.push(`${one.user}@${nameOf(one)}: ${methods.join(",")}`);
  }
  const source = `ssh -o PreferredAuthentications=none (${tries.map((one) => `${one.user}@${nameOf(one)}`).join(", ")})`;
  if (seen.length === 0) return unknown("not_visible", `${source}: no answer`);
  return known({ seen, mark }, { level: "probed", source, at: machine.now(), raw: raw.join("\n") });
}

export interface UsualPort {
  /** Addresses of ours where something that calls itself SSH answers on port 22. */
  readonly answers: readonly string[];
}

/** Whoever answers there; a sshd that is known to listen there is not bothered each minute. */
export async function seeUsualPort(machine: Machine, daemon: Daemon, own: readonly string[]): Promise<Fact<UsualPort>> {
  const source = `tcp to port 22 of ${["127.0.0.1", ...own].join(", ")}`;
  if (daemon.listens.some(({ port }) => port === 22)) return unknown("not_visible", `${source}: sshd listens there`);
  const tried = await Promise.all(
    ["127.0.0.1", ...own].map(async (address) => ({ address, ...(await machine.tcp(address, 22, { banner: true })) })),
  );
  const answers = tried.filter(({ banner = "" }) => banner.startsWith("SSH-")).map(({ address }) => address);
  const raw = tried.map(({ address, outcome, banner = "" }) => `${address} ${outcome} ${banner}`).join("\n");
  return known({ answers }, { level: "probed", source, at: machine.now(), raw });
}

/** No configuration, no keys, no agent, no memory of host keys: it asks and leaves. */
function methodsArguments({ address, port, user }: Listen & { readonly user: string }): readonly string[] {
  const options = [
    "BatchMode=yes",
    "PreferredAuthentications=none",
    "PubkeyAuthentication=no",
    "IdentityFile=none",
    "IdentityAgent=none",
    "StrictHostKeyChecking=no",
    "UserKnownHostsFile=/dev/null",
    "GlobalKnownHostsFile=/dev/null",
    "UpdateHostKeys=no",
    "ControlPath=none",
    "ProxyCommand=none",
    "PermitLocalCommand=no",
    "ClearAllForwardings=yes",
    "ConnectTimeout=4",
  ];
  const where = ["-p", String(port), "-l", user, "--", address, "true"];
  return ["ssh", "-v", "-T", "-n", "-F", "none", ...options.flatMap((option) => ["-o", option]), ...where];
}

export function parseMethods(text: string): readonly string[] | undefined {
  const offered = /^debug1: Authentications that can continue: ([a-z0-9,@.-]+)\s*$/m.exec(text)?.[1];
  if (offered !== undefined) return offered.split(",").toSorted();
  return /^(?:debug1: Authentication succeeded \(none\)|Authenticated to .* using "none")/m.test(text)
    ? ["none"]
    : undefined;
}

/** root, somebody whom no rule names, and whom rules name. */
export function usersToTry(effective: Fact<Effective>): readonly string[] {
  const named =
    effective.kind === "known"
      ? effective.value.answers.flatMap(({ label = "" }) => /^Match [Uu]ser ([\w.-]+)$/.exec(label)?.[1] ?? [])
      : [];
  return [...new Set([ORDINARY_USER, "root", ...named])].slice(0, 4);
}

export function nameOf({ address, port }: Listen): string {
  return address.includes(":") ? `[${address}]:${String(port)}` : `${address}:${String(port)}`;
}
