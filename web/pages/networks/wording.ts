/** What the lists of networks mean, and what is wrong with what was typed. Pure. */
import type { NetworkList } from "../../../protocol/contracts/networks.ts";
import { formatNetwork, parseAddress, parseNetwork } from "../../../protocol/networks.ts";

interface ListWords {
  readonly title: string;
  readonly what: string;
  /** While nothing is in it. */
  readonly empty: string;
}

export const listWords = {
  allow: {
    title: "Only from",
    what: "Once anything is listed here, the dashboard answers these networks and no others.",
    empty: "Nothing is listed, so the dashboard answers every network that is not denied.",
  },
  deny: {
    title: "Never from",
    what: "The dashboard does not answer these, whatever else is listed.",
    empty: "No network is denied.",
  },
  spared: {
    title: "Never banned",
    what: "Whoever fails too often from here is slowed down like everybody, and not banned.",
    empty: "Every address can be banned.",
  },
  "deny-hosts": {
    title: "No hosts from",
    what: "Agents cannot join or connect from these networks. Tunnels that are open stay open until they end.",
    empty: "Agents may come from everywhere; their certificates say who they are.",
  },
} as const satisfies Record<NetworkList, ListWords>;

/** The network that was meant, or one sentence with what to type instead. */
export function readNetwork(typed: string): { readonly network: string } | { readonly fault: string } {
  const text = typed.trim();
  if (parseNetwork(text) !== undefined) return { network: text };
  const suggested = suggestion(text);
  const fault = "Type an address or a network, for example 192.0.2.7, 192.0.2.0/24 or 2001:db8::/32.";
  return { fault: suggested === undefined ? fault : `Networks are written shortest. Did you mean ${suggested}?` };
}

/** The same network as it would have to be written; never taken by itself. */
function suggestion(text: string): string | undefined {
  const [address = "", length, more] = text.split("/");
  const base = parseAddress(address);
  if (base === undefined || more !== undefined) return undefined;
  const width = base.family === 4 ? 32 : 128;
  const bits = length === undefined ? width : Number(length);
  if (!Number.isInteger(bits) || bits < 0 || bits > width) return undefined;
  return formatNetwork({ ...base, length: bits });
}
