/**
 * Which hosts the fleet page shows, and in which order: those that need a person first. Pure.
 */
import type { FleetFilter, FleetSort } from "../router.ts";
import type { AlertView } from "./alerts.ts";
import type { HostView } from "./backend.ts";
import { conditionOf } from "./condition.ts";

/** Alerts that are not resolved, by host. */
export type AlertCounts = ReadonlyMap<string, number>;

export function alertCounts(alerts: readonly Pick<AlertView, "host" | "state">[]): AlertCounts {
  const counts = new Map<string, number>();
  for (const { host, state } of alerts)
    if (host !== undefined && state !== "resolved") counts.set(host, (counts.get(host) ?? 0) + 1);
  return counts;
}

interface Ground {
  /** Judged once for each host, not once for each comparison. */
  readonly urgencies: ReadonlyMap<string, number>;
  readonly alerts: AlertCounts;
}
type Compare = (a: HostView, b: HostView, ground: Ground) => number;

const numbered = new Intl.Collator("en", { numeric: true });
const byName: Compare = (a, b) => numbered.compare(a.label, b.label) || numbered.compare(a.id, b.id);

/** Letters come after figures in every collation. */
const versionOf = ({ telemetry }: HostView): string => telemetry?.gateway.version ?? "unknown";

const orders = {
  "needs-you": (a, b, { urgencies }) => (urgencies.get(b.id) ?? 0) - (urgencies.get(a.id) ?? 0),
  name: byName,
  // The weakest first. Who says nothing comes last.
  posture: (a, b) => (a.telemetry?.posture?.score ?? 101) - (b.telemetry?.posture?.score ?? 101),
  // The oldest first: that is who should be updated. Who says none comes last.
  version: (a, b) => numbered.compare(versionOf(a), versionOf(b)),
  cost: (a, b) => (b.telemetry?.usage?.costMicros ?? -1) - (a.telemetry?.usage?.costMicros ?? -1),
  tokens: (a, b) => (b.telemetry?.usage?.totalTokens ?? -1) - (a.telemetry?.usage?.totalTokens ?? -1),
  sessions: (a, b) => (b.telemetry?.sessions?.active ?? -1) - (a.telemetry?.sessions?.active ?? -1),
  alerts: (a, b, { alerts }) => (alerts.get(b.id) ?? 0) - (alerts.get(a.id) ?? 0),
  // The longest silence first: that is what somebody who sorts by it looks for.
  seen: (a, b) => (a.lastSeenAt ?? 0) - (b.lastSeenAt ?? 0),
} satisfies Record<FleetSort, Compare>;

const NO_ALERTS: AlertCounts = new Map();

export interface FleetOrder {
  readonly sort: FleetSort;
  readonly reversed?: true;
  readonly alerts?: AlertCounts;
}

export function sortHosts(hosts: readonly HostView[], order: FleetOrder, now: number): readonly HostView[] {
  const { sort, reversed, alerts = NO_ALERTS } = order;
  const isJudged = sort === "needs-you";
  const urgencies = new Map(isJudged ? hosts.map((host) => [host.id, conditionOf(host, now).urgency]) : []);
  const ground = { urgencies, alerts };
  const compare: Compare = orders[sort];
  const sign = reversed === true ? -1 : 1;
  return hosts.toSorted((a, b) => sign * compare(a, b, ground) || byName(a, b, ground));
}

export interface FleetQuery {
  readonly show: FleetFilter;
  readonly text: string;
  /** The word for a condition, in small letters. */
  readonly state?: string;
  readonly version?: string;
  readonly alerts?: AlertCounts;
}

/** Looks in name, id, version and the word for the condition. */
export function filterHosts(hosts: readonly HostView[], query: FleetQuery, now: number): readonly HostView[] {
  const text = query.text.trim().toLowerCase();
  const { alerts = NO_ALERTS } = query;
  return hosts.filter((host) => {
    const condition = conditionOf(host, now);
    const version = host.telemetry?.gateway.version;
    if (query.show === "needs-you" && condition.urgency === 0) return false;
    if (query.show === "alerts" && !alerts.has(host.id)) return false;
    if (query.state !== undefined && condition.word.toLowerCase() !== query.state) return false;
    if (query.version !== undefined && version !== query.version) return false;
    if (text === "") return true;
    const fields = [host.label, host.id, condition.word, version ?? ""];
    return fields.some((field) => field.toLowerCase().includes(text));
  });
}

/** What there is to choose from, each with how many hosts have it. */
export interface FleetChoices {
  /** Words for conditions, as people read them. */
  readonly states: readonly (readonly [word: string, hosts: number])[];
  /** The newest first. */
  readonly versions: readonly (readonly [version: string, hosts: number])[];
}

export function choicesOf(hosts: readonly HostView[], now: number): FleetChoices {
  const states = countOf(hosts.map((host) => conditionOf(host, now).word));
  const versions = countOf(hosts.flatMap((host) => host.telemetry?.gateway.version ?? []));
  return {
    states: [...states].toSorted(([a], [b]) => numbered.compare(a, b)),
    versions: [...versions].toSorted(([a], [b]) => numbered.compare(b, a)),
  };
}

function countOf(values: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return counts;
}
