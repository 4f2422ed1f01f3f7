/** How a host is shown: who it is by the trust log (or, in quarantine, by its own claim), and what was heard from it. */
import type { HostRecord } from "../../migrations/schema.ts";
import type { HostRow } from "../../protocol/contracts.ts";
import type { TrustState } from "../../protocol/trust/state.ts";

/** What only the host's own object knows. */
export type LiveFacts = Pick<HostRow, "connected" | "lastSeen" | "trustAck" | "telemetry">;

export function composeRow(joined: HostRecord, trust: TrustState, live: LiveFacts): HostRow {
  const admitted = trust.hosts.get(joined.host);
  const status = admitted !== undefined ? "admitted" : trust.removedHosts.has(joined.host) ? "removed" : "quarantined";
  const { host, hostKey, cosignKey, label, colocated } = admitted ?? joined;
  const join = status === "quarantined" ? joinOf(joined) : {};
  return { host, hostKey, cosignKey, label, colocated, ...join, status, ...live };
}

/** What the host itself signed, for whoever admits it. */
function joinOf({ joinBody, joinSignature }: HostRecord): Pick<HostRow, "join"> {
  return joinBody === null || joinSignature === null ? {} : { join: { body: joinBody, signature: joinSignature } };
}
