/** What must hold of who is shut out. */
import { parseAddress } from "../../../../../protocol/networks.ts";
import type { BanService, Jail } from "../../collectors/network/bans.ts";
import type { Canary } from "../../collectors/network/canary.ts";
import type { FactReader } from "../../facts.ts";
import { sshHasPenalties } from "./exempt.ts";

/** Nobody's own network is larger. */
const WIDE = { 4: 8, 6: 20 } as const;
/** Scanners come every day. */
const QUIET_SECONDS = 7 * 86_400;

const isSshJail = ({ name }: Jail): boolean => /^sshd?(?:$|-)/.test(name);
const isHttpJail = ({ name, sources }: Jail): boolean =>
  /nginx|apache|http|caddy|traefik|web/.test([name, ...sources].join(" "));

/** Whatever else shuts out: sshd's own penalties are enough where the canary proves them. */
export function serviceHolds({ state, jails }: BanService, reader: FactReader): readonly string[] {
  if (sshHasPenalties(reader)) return [];
  if (state === "absent")
    return ["nothing shuts out who guesses at SSH: fail2ban is not installed, and this sshd has no penalties"];
  if (state === "failed") return ["fail2ban is installed and failed to start"];
  if (state === "stopped") return ["fail2ban is installed and does not run"];
  return jails.some(isSshJail) ? [] : ["fail2ban runs without a jail for sshd"];
}

export function canaryHolds({ isHeard, isSeen, isShutOut, penalisedAfter }: Canary): readonly string[] {
  // Where only named addresses reach sshd, there is nobody to shut out.
  if (!isHeard || penalisedAfter !== undefined || (isSeen === true && isShutOut === true)) return [];
  if (isSeen === undefined) return ["a stranger guessed at SSH and was answered every time"];
  return isSeen
    ? ["fail2ban counted a failed sign-in and banned its address, and sshd answered it still"]
    : ["a failed sign-in was not seen by fail2ban within 7 seconds"];
}

export function escalationHolds({ state, jails, remembers }: BanService): readonly string[] {
  if (state !== "running") return [`fail2ban does not run (${state})`];
  const jail = jails.find(isSshJail);
  const grows = jail?.grows === true || jails.some(({ name }) => name === "recidive");
  return [
    ...(grows ? [] : [`each ban lasts ${String(jail?.banSeconds ?? 0)} s, however often somebody comes back`]),
    ...(remembers ? [] : ["fail2ban forgets all bans when it restarts"]),
  ];
}

export function whitelistHolds({ state, jails }: BanService, reader: FactReader): readonly string[] {
  if (state !== "running") return [`fail2ban does not run (${state})`];
  const guests = reader.get("ban.guests");
  const present = guests.kind === "known" ? guests.value : [];
  return jails.filter(isSshJail).flatMap(({ name, ignored }) => {
    const wide = ignored.filter(isWide).map((network) => `jail ${name} spares ${network}, which is everybody`);
    const named = ignored.filter((network) => !/^(?:127\.|::1)/.test(network));
    const nobody = named.length === 0 ? [`jail ${name} spares no administrator's address`] : [];
    const missing = present
      .filter((address) => !ignored.some((network) => covers(network, address)))
      .map((address) => `${address} is signed in now, and jail ${name} would shut it out`);
    return [...wide, ...nobody, ...missing];
  });
}

function isWide(text: string): boolean {
  const network = networkOf(text);
  return network !== undefined && !text.startsWith("127.") && network.length <= WIDE[network.family];
}

/** fail2ban itself writes 0.0.0.0/0 as 0.0.0.0. */
function networkOf(text: string): { family: 4 | 6; bits: bigint; length: number } | undefined {
  const [address = "", stated] = text.split("/");
  const base = parseAddress(address);
  if (base === undefined) return undefined;
  const whole = base.family === 4 ? 32 : 128;
  return { ...base, length: stated === undefined ? (base.bits === 0n ? 0 : whole) : Number(stated) };
}

function covers(text: string, other: string): boolean {
  const [network, asked] = [networkOf(text), parseAddress(other)];
  if (network === undefined || asked === undefined || network.family !== asked.family) return false;
  const beyond = BigInt((network.family === 4 ? 32 : 128) - network.length);
  return network.bits >> beyond === asked.bits >> beyond;
}

export function httpBansHold({ state, jails }: BanService, reader: FactReader): readonly string[] {
  if (state !== "running") return [`a web server is public, and fail2ban does not run (${state})`];
  const jail = jails.find(isHttpJail);
  if (jail === undefined) return ["a web server is public, and fail2ban has no jail for it"];
  const sockets = reader.get("net.sockets");
  const now = sockets.kind === "known" ? sockets.evidence.at : 0;
  const isQuiet = jail.newest !== undefined && now - jail.newest > QUIET_SECONDS;
  return isQuiet ? [`jail ${jail.name} reads ${jail.sources.join(", ")}, where nothing was written for a week`] : [];
}
