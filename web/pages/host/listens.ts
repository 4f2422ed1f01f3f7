/** Where a gateway can be reached, in a sentence: as the host's kernel says it, not the gateway. Pure. */
import { formatList } from "../../format.ts";
import type { Telemetry } from "../../../protocol/telemetry.ts";

type Listen = Telemetry["gateway"]["listens"][number];

export function formatAddress({ address, port }: Pick<Listen, "address" | "port">): string {
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}

/** "listens on 127.0.0.1:18789 only", or which addresses others can reach. */
export function listensSentence(listens: readonly Listen[]): string {
  const open = listens.filter(({ loopback }) => !loopback);
  if (open.length > 0) return `open to the network on ${formatList(open.map(formatAddress))}`;
  return listens.length === 0 ? "listens nowhere" : `listens on ${formatList(listens.map(formatAddress))} only`;
}
