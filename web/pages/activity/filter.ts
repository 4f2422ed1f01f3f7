/** Which entries the activity page shows, and under which day. Pure. */
import type { LedgerAction } from "../../../protocol/ledger.ts";
import { dayKey } from "../../format.ts";
import type { Zone } from "../../format.ts";
import type { ActivityFilter } from "../../router.ts";
import type { LedgerEntry } from "../../state/backend.ts";
import { nameOf } from "./names.ts";
import { signatureOf } from "./signatures.ts";

type Kind = Exclude<ActivityFilter, "all" | "refused" | "signatures">;

const kinds = {
  "workspace.created": "trust",
  "session.started": "sign-ins",
  "session.ended": "sign-ins",
  "session.refused": "sign-ins",
  "trust.stated": "trust",
  "trust.refused": "trust",
  "host.joined": "trust",
  "host.connected": undefined,
  "host.disconnected": undefined,
  "certificate.issued": undefined,
  "command.accepted": "commands",
  "command.refused": "commands",
  "command.receipt": "commands",
  "passkey.registered": "trust",
  "session.revoked": "sign-ins",
  "invitation.made": "trust",
  "invitation.enrolled": "trust",
  "invitation.withdrawn": "trust",
  "proposal.made": "commands",
  "proposal.approved": "commands",
  "proposal.withdrawn": "commands",
  "join-token.made": "trust",
  "certificate.revoked": undefined,
  "host.frozen": "trust",
  "host.reset": "trust",
  "alert.raised": undefined,
  "alert.acknowledged": undefined,
  "alert.resolved": undefined,
  "setting.changed": undefined,
  "evidence.read": undefined,
  "calls.counted": undefined,
  "ledger.exported": undefined,
  "ledger.erased": undefined,
  "ledger.sealed": undefined,
  "ledger.dropped": undefined,
  "checkpoint.refused": undefined,
  "witness.refused": undefined,
  "witness.reset": undefined,
  "stream.set-aside": undefined,
  "stream.replayed": undefined,
} satisfies Record<LedgerAction, Kind | undefined>;

/** Refused by anybody: edge, host, or a sign-in. */
export function wasRefused({ action, detail }: LedgerEntry): boolean {
  return action.endsWith(".refused") || detail.verdict === "refused";
}

export interface ActivityQuery {
  readonly show: ActivityFilter;
  readonly text: string;
}

export function filterEntries(entries: readonly LedgerEntry[], { show, text }: ActivityQuery): readonly LedgerEntry[] {
  const wanted = text.trim().toLowerCase();
  return entries.filter((entry) => {
    if (!isShown(entry, show)) return false;
    return wanted === "" || matches(entry, wanted);
  });
}

function isShown(entry: LedgerEntry, show: ActivityFilter): boolean {
  if (show === "all") return true;
  if (show === "refused") return wasRefused(entry);
  if (show === "signatures") return signatureOf(entry) !== undefined;
  return kinds[entry.action] === show;
}

/** Person, host, source, operation, or the number of the entry with or without `#`. */
function matches(entry: LedgerEntry, wanted: string): boolean {
  if (wanted.replace(/^#/, "") === String(entry.index)) return true;
  const fields = [
    nameOf(entry.actor),
    entry.target === undefined ? "" : nameOf(entry.target),
    entry.requester === undefined ? "" : nameOf(entry.requester),
    entry.source ?? "",
    entry.detail.operation ?? "",
    entry.detail.code ?? "",
  ];
  return fields.some((field) => field.toLowerCase().includes(wanted));
}

export interface Day {
  readonly key: string;
  /** A moment of that day. */
  readonly at: number;
  readonly entries: readonly LedgerEntry[];
}

/** In the order given, which is newest first. */
export function groupByDay(entries: readonly LedgerEntry[], zone: Zone = {}): readonly Day[] {
  const days: { key: string; at: number; entries: LedgerEntry[] }[] = [];
  for (const entry of entries) {
    const key = dayKey(entry.at, zone);
    const last = days.at(-1);
    if (last?.key === key) last.entries.push(entry);
    else days.push({ key, at: entry.at, entries: [entry] });
  }
  return days;
}
