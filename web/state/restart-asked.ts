/**
 * Whether a restart of a host's gateway is under way, from the ledger that this browser checked: what a page that was
 * loaded in the middle of one still knows. Pure. It may not take the edge's word for it: a broken entry tells nothing.
 */
import type { HostView, LedgerEntry } from "./backend.ts";

/** Longer than a restart takes; after that, a gateway that does not answer is down and somebody must look. */
export const RESTART_SECONDS = 120;

/** When it was approved; undefined when the gateway answers, or nobody asked for a restart lately. */
export function restartAskedAt(host: HostView, entries: readonly LedgerEntry[], now: number): number | undefined {
  const state = host.telemetry?.gateway.state;
  if (state !== "stopped" && state !== "starting") return undefined;
  const isLate = ({ at }: LedgerEntry): boolean => now - at > RESTART_SECONDS;
  for (const entry of entries) {
    if (isLate(entry)) return undefined; // newest first
    if (isRestartOf(host.id, entry)) return isOpen(host, entry, entries) ? entry.at : undefined;
  }
  return undefined;
}

function isRestartOf(hostId: string, { action, target, detail, seal }: LedgerEntry): boolean {
  if (action !== "command.accepted" || target?.id !== hostId || detail.operation !== "gateway.restart@1") return false;
  return seal.state === "no-receipt" || seal.state === "verified";
}

/** Not answered yet, or answered so late that the last report of the gateway is older than the answer. */
function isOpen(host: HostView, { partner }: LedgerEntry, entries: readonly LedgerEntry[]): boolean {
  const receipt = partner === undefined ? undefined : entries.find(({ index }) => index === partner);
  if (receipt === undefined) return partner === undefined;
  const isNewer = host.telemetryAt !== undefined && receipt.at > host.telemetryAt;
  return receipt.detail.verdict === "executed" && receipt.seal.state === "verified" && isNewer;
}
