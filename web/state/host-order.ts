/**
 * Which hosts the fleet page shows, and in which order: those that need a person first. Pure.
 */
import type { FleetFilter, FleetSort } from "../router.ts";
import type { HostView } from "./backend.ts";
import { conditionOf } from "./condition.ts";

type Compare = (a: HostView, b: HostView, now: number) => number;

const byName: Compare = (a, b) => a.label.localeCompare(b.label, "en", { numeric: true }) || a.id.localeCompare(b.id);

const orders = {
  "needs-you": (a, b, now) => conditionOf(b, now).urgency - conditionOf(a, now).urgency,
  name: byName,
  cost: (a, b) => (b.telemetry?.usage?.costMicros ?? -1) - (a.telemetry?.usage?.costMicros ?? -1),
  sessions: (a, b) => (b.telemetry?.sessions?.active ?? -1) - (a.telemetry?.sessions?.active ?? -1),
  // The longest silence first: that is what somebody who sorts by it looks for.
  seen: (a, b) => (a.lastSeenAt ?? 0) - (b.lastSeenAt ?? 0),
} satisfies Record<FleetSort, Compare>;

export function sortHosts(hosts: readonly HostView[], sort: FleetSort, now: number): readonly HostView[] {
  const order: Compare = orders[sort];
  return hosts.toSorted((a, b) => order(a, b, now) || byName(a, b, now));
}

export interface FleetQuery {
  readonly show: FleetFilter;
  readonly text: string;
}

/** Looks in name, id, version and the word for the condition. */
export function filterHosts(hosts: readonly HostView[], query: FleetQuery, now: number): readonly HostView[] {
  const text = query.text.trim().toLowerCase();
  return hosts.filter((host) => {
    const condition = conditionOf(host, now);
    if (query.show === "needs-you" && condition.urgency === 0) return false;
    if (text === "") return true;
    const fields = [host.label, host.id, condition.word, host.telemetry?.gateway.version ?? ""];
    return fields.some((field) => field.toLowerCase().includes(text));
  });
}
