/**
 * The one proof that the owner is not locked out: a sign-in from another machine that sshd accepted after the change, as the
 * journal stamped it with root's number. A touch on a page would prove that a person reaches the page.
 */
import { isInside, isLoopback, parseAddress, parseNetwork, type Network } from "../../../protocol/networks.ts";
import { outputOf, type Hands } from "./hands.ts";
import type { Waiting } from "./remedy.ts";
import { SIGN_IN_LINES } from "./survey.ts";

const LINK_LOCAL: Network = { family: 6, bits: 0xfe80n << 112n, length: 10 };

/** `since`: whole seconds. */
export async function seenSignIn(hands: Hands, since: number, { port, from }: Waiting): Promise<boolean> {
  const argv = ["journalctl", "-q", "-o", "cat", "--since", `@${String(since)}`, "-n", "5000", ...SIGN_IN_LINES];
  const lines = (await outputOf(hands, argv)).split("\n");
  const accepted = lines.flatMap((line) => {
    const [, address, peer] = /^Accepted \S+ for \S+ from (\S+) port (\d+)/.exec(line) ?? [];
    return address === undefined || peer === undefined ? [] : [{ address, peer }];
  });
  const own = new Set(hands.addresses());
  return accepted.some(
    ({ address, peer }) =>
      !own.has(address) &&
      !isOfThisMachine(address) &&
      isFrom(address, from) &&
      (port === undefined || cameTo(lines, { address, peer, port })),
  );
}

/** Anybody here can come from 127.0.0.2, or from the link-local address of an interface, and say that he is elsewhere. */
function isOfThisMachine(text: string): boolean {
  const address = parseAddress(text.replace(/%.*$/, ""));
  return address === undefined || isLoopback(address) || isInside(address, LINK_LOCAL);
}

function isFrom(text: string, networks: readonly string[] | undefined): boolean {
  if (networks === undefined) return true;
  const address = parseAddress(text);
  return (
    address !== undefined &&
    networks.some((one) => {
      const network = parseNetwork(one);
      return network !== undefined && isInside(address, network);
    })
  );
}

/** sshd tells the port that somebody came to in another line than that it let them in; both have the peer's own port. */
function cameTo(
  lines: readonly string[],
  { address, peer, port }: { readonly address: string; readonly peer: string; readonly port: number },
): boolean {
  const begin = `Connection from ${address} port ${peer} on `;
  return lines.some(
    (line) => line.startsWith(begin) && new RegExp(` port ${String(port)}(?: |$)`).test(line.slice(begin.length)),
  );
}
