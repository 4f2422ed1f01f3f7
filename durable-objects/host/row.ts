/** How a host is shown: who it is by the trust log (or, in quarantine, by its own claim), and what was heard from it. */
import * as v from "valibot";
import type { HostRecord } from "../../migrations/schema.ts";
import type { HostRow } from "../../protocol/contracts.ts";
import { signedSchema } from "../../protocol/messages.ts";
import type { TrustState } from "../../protocol/trust/state.ts";
import type { HostStore } from "./store.ts";
import type { LatestTelemetry } from "./telemetry.ts";
import type { Tunnels } from "./tunnels.ts";

/** What only the host's own object knows. */
type LiveFacts = Pick<HostRow, "connected" | "lastSeen" | "trustAck" | "telemetry" | "telemetryAt">;

export interface RowSources {
  readonly store: HostStore;
  readonly telemetry: LatestTelemetry;
  readonly tunnels: Tunnels;
}

export function composeRow(joined: HostRecord, trust: TrustState, sources: RowSources): HostRow {
  const admitted = trust.hosts.get(joined.host);
  const status = admitted !== undefined ? "admitted" : trust.removedHosts.has(joined.host) ? "removed" : "quarantined";
  const { host, hostKey, cosignKey, label, colocated } = admitted ?? joined;
  const join = status === "quarantined" ? joinOf(joined) : {};
  return { host, hostKey, cosignKey, label, colocated, ...join, status, ...liveFacts(sources, admitted !== undefined) };
}

/** A host that is not admitted has no figures: they are nobody's business. */
function liveFacts({ store, telemetry, tunnels }: RowSources, isAdmitted: boolean): LiveFacts {
  const ack = store.latest("trust-ack");
  const { lastHeard } = telemetry;
  const { lastPing } = tunnels;
  const lastSeen = lastPing === undefined ? lastHeard : Math.max(lastPing, lastHeard ?? 0);
  return {
    connected: tunnels.open !== undefined,
    ...(lastSeen === undefined ? {} : { lastSeen }),
    ...(ack === undefined ? {} : { trustAck: v.parse(signedSchema, JSON.parse(ack)) }),
    ...(isAdmitted ? figuresOf(telemetry) : {}),
  };
}

function figuresOf({ value, at }: LatestTelemetry): Pick<LiveFacts, "telemetry" | "telemetryAt"> {
  return value === undefined || at === undefined ? {} : { telemetry: value, telemetryAt: at };
}

/** What the host itself signed, for whoever admits it. */
function joinOf({ joinBody, joinSignature }: HostRecord): Pick<HostRow, "join"> {
  return joinBody === null || joinSignature === null ? {} : { join: { body: joinBody, signature: joinSignature } };
}
