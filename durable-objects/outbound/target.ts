/**
 * Where alerts and streams may be sent. Somebody who may change settings must not be able to make the edge knock on doors that only
 * the edge can reach, so a target is https to a public name. Names are judged here; the addresses they lead to are
 * judged by the runtime, which connects to public ones only. Redirects are never followed (post-out.ts).
 */
import { MAX_TARGET_CHARACTERS } from "../../protocol/limits.ts";

/** Names that mean "here" or "this network" (RFC 6761, 6762, 8375, 9476 and custom). */
const LOCAL_SUFFIXES = [
  "localhost",
  "local",
  "internal",
  "intranet",
  "lan",
  "home",
  "corp",
  "arpa",
  "test",
  "invalid",
  "onion",
  "alt",
];

/** The URL as it will be fetched, or undefined. */
export function parseTarget(text: string): URL | undefined {
  // Tabs, line ends, backslashes and a third slash are repaired by the URL parser; what needs repair is refused.
  if (text.length > MAX_TARGET_CHARACTERS || !/^https:\/\/(?!\/)[\x21-\x5b\x5d-\x7e]+$/.test(text)) return undefined;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || url.protocol !== "https:") return undefined;
  // An empty "user@" leaves no trace in the parsed URL.
  if (/^https:\/\/[^/?#]*@/.test(text)) return undefined;
  if (url.hash !== "" || url.port === "0") return undefined;
  return isPublicName(url.hostname) ? url : undefined;
}

/** `hostname` as the URL parser gives it: every notation of an IPv4 address is dotted decimals there. */
function isPublicName(hostname: string): boolean {
  const name = hostname.replace(/\.$/, "");
  // No literal addresses at all, public ones neither: a certificate for one is rare, a table of ranges is never whole.
  // One of version 6 stands in brackets, which are no label.
  if (/^[\d.]+$/.test(name)) return false;
  const labels = name.split(".");
  const last = labels.at(-1) ?? "";
  if (labels.length < 2 || labels.some((label) => !/^[a-z0-9_-]{1,63}$/.test(label))) return false;
  return !LOCAL_SUFFIXES.includes(last);
}
