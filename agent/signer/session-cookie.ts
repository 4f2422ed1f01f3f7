/**
 * The one cookie that passes a signer. Cookies know no ports: everything on this machine's name shares one jar, and so
 * would two signers of two edges. In the browser each signer's session therefore has the signer's own port in its name,
 * and each edge is shown the session that it opened, and no other.
 */
import { SESSION_COOKIE } from "../../protocol/contracts.ts";
import { MAX_SESSION_SECONDS } from "../../protocol/limits.ts";

/** The name in the browser's jar. */
function nameAt(port: number): string {
  return `${SESSION_COOKIE}-${port}`;
}

/** `header`: what the browser sent. What the edge may see of it, if anything. */
export function outgoingCookie(header: string | undefined, port: number): string | undefined {
  const prefix = `${nameAt(port)}=`;
  const ours = (header ?? "").split(/; */).filter((pair) => pair.startsWith(prefix));
  const [only] = ours;
  const value = only?.slice(prefix.length);
  // Two cookies of our name are none: a page on another port of this name may have added one.
  if (value === undefined || ours.length !== 1 || !VALUE.test(value)) return undefined;
  return `${SESSION_COOKIE}=${value}`;
}

const VALUE = /^[A-Za-z0-9_-]{43}$/;
const MAX_AGE = /^max-age=(0|[1-9]\d{0,5})$/i;

/**
 * `lines`: every Set-Cookie of the edge. The session among them, written anew: an edge chooses value and age, and
 * neither another name nor how far the cookie reaches.
 */
export function incomingCookie(lines: readonly string[], port: number): string | undefined {
  const ours = lines.filter((line) => line.startsWith(`${SESSION_COOKIE}=`));
  const [only] = ours;
  if (only === undefined || ours.length !== 1) return undefined;
  const [pair = "", ...attributes] = only.split(/; */);
  const value = pair.slice(SESSION_COOKIE.length + 1);
  const [age] = attributes.flatMap((attribute) => MAX_AGE.exec(attribute)?.[1] ?? []);
  if (!VALUE.test(value) || age === undefined) return undefined;
  const seconds = Math.min(Number(age), MAX_SESSION_SECONDS);
  return `${nameAt(port)}=${value}; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=${seconds}`;
}
