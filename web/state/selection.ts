/**
 * Which hosts a person picked on the fleet page, and what can be done to all of them at once. Pure. Only hosts that can
 * be told something now can be picked; one that falls silent is no longer among them.
 */
import { MAX_TARGETS } from "../../protocol/limits.ts";
import { operations } from "../../protocol/operations.ts";
import type { HostView, OperationId } from "./backend.ts";
import { isSilent } from "./condition.ts";

export type Selection = ReadonlySet<string>;

/** Why a host cannot be picked; undefined when it can. */
export function unpickable(host: HostView, now: number): string | undefined {
  if (host.admission === "waiting") return "not admitted yet";
  if (host.admission === "removed") return "removed";
  return !host.connected || isSilent(host, now) ? "not heard from" : undefined;
}

export function pickable(hosts: readonly HostView[], now: number): readonly HostView[] {
  return hosts.filter((host) => unpickable(host, now) === undefined);
}

/** The picked ones that still can be, in the order shown. */
export function pickedOf(hosts: readonly HostView[], selection: Selection, now: number): readonly HostView[] {
  return pickable(hosts, now).filter(({ id }) => selection.has(id));
}

interface Picking {
  /** In the order shown. */
  readonly shown: readonly HostView[];
  readonly selection: Selection;
  readonly now: number;
}

export function toggle({ selection }: Pick<Picking, "selection">, id: string): Selection {
  const next = new Set(selection);
  if (!next.delete(id) && next.size < MAX_TARGETS) next.add(id);
  return next;
}

/** With Shift: everything between the last pick and this one takes this one's new state. */
export function toggleRange({ shown, selection, now }: Picking, from: string, to: string): Selection {
  const ids = pickable(shown, now).map(({ id }) => id);
  const [a, b] = [ids.indexOf(from), ids.indexOf(to)];
  if (a < 0 || b < 0) return toggle({ selection }, to);
  const range = ids.slice(Math.min(a, b), Math.max(a, b) + 1);
  const next = new Set(selection);
  const picks = !selection.has(to);
  for (const id of range) {
    if (!picks) next.delete(id);
    else if (next.size < MAX_TARGETS) next.add(id);
  }
  return next;
}

/** All that are shown and can be picked, at most as many as one touch binds; none when all are picked already. */
export function toggleAll({ shown, selection, now }: Picking): Selection {
  const ids = pickable(shown, now).map(({ id }) => id);
  if (allPicked({ shown, selection, now })) return new Set([...selection].filter((id) => !ids.includes(id)));
  return new Set([...selection, ...ids].slice(0, MAX_TARGETS));
}

export function allPicked({ shown, selection, now }: Picking): boolean {
  const ids = pickable(shown, now).map(({ id }) => id);
  return ids.length > 0 && ids.slice(0, MAX_TARGETS).every((id) => selection.has(id));
}

/** Why an operation cannot be asked of these hosts now. */
export function obstacleFor(operation: OperationId, hosts: readonly HostView[]): string | undefined {
  // What names the start that it ends needs one.
  const expected: readonly string[] = operations[operation].expects;
  if (!expected.includes("gatewayBoot")) return undefined;
  const without = hosts.filter(({ telemetry }) => telemetry?.gateway.bootId === undefined);
  if (without.length === 0) return undefined;
  return `no gateway answers on ${without.length === 1 ? (without[0]?.label ?? "") : `${without.length} of them`}`;
}
