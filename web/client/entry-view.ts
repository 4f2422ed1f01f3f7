/** A checked row as pages show it: names from the trust log, the other half of a command, and its seal. */
import type { TrustKeeper } from "./trust.ts";
import type { LedgerEntry, Party, Seal } from "../state/ledger.ts";
import { closedFields, type CheckedRow } from "./checked-row.ts";
import { hostEverAdmitted } from "./once-known.ts";
import { sealOf, wordOf } from "./seals.ts";

/** What stands around a row. */
export interface Surroundings {
  /** The other half of its command, where it is held. */
  readonly partner: CheckedRow | undefined;
  /** Its place in the log is proven. */
  readonly linked: boolean;
  /** Everything after it is held: a receipt that is not there was not written. */
  readonly isAtEnd: boolean;
}

export function entryView(trust: TrustKeeper, checked: CheckedRow, surroundings: Surroundings): LedgerEntry {
  const { entry, row, opened } = checked;
  const { partner, linked } = surroundings;
  const request = partner?.entry;
  const closed = closedFields(checked);
  return {
    index: entry.index,
    at: entry.at / 1000,
    action: entry.action,
    actor: partyOf(trust, entry.actor.kind, "id" in entry.actor ? entry.actor.id : entry.actor.kind),
    ...(entry.target === undefined ? {} : { target: partyOf(trust, kindOf(entry.target), entry.target) }),
    ...opened,
    ...(closed.length === 0 ? {} : { closed }),
    // A receipt names the intent; what was asked, and by whom, stands in the acceptance that this page verified too.
    detail: { ...(request === undefined ? {} : { operation: request.detail.operation }), ...entry.detail },
    ...(entry.action === "command.receipt" && request !== undefined ? requesterOf(trust, request) : {}),
    ...(partner === undefined ? {} : { partner: partner.entry.index }),
    hash: row.hash,
    previous: entry.previous,
    seal: linked ? sealWhere(trust, checked, surroundings) : { state: "unverified" },
    word: wordOf(entry.action),
  };
}

/** That no receipt was written can be said only where everything after is held. */
function sealWhere(trust: TrustKeeper, checked: CheckedRow, { partner, isAtEnd }: Surroundings): Seal {
  const { index } = checked.entry;
  const other = partner?.entry.index ?? (isAtEnd ? undefined : index);
  return sealOf(checked, { partner: other, isStated: (hash) => isStated(trust, hash) });
}

export function partyOf(trust: TrustKeeper, kind: Party["kind"], id: string): Party {
  const state = trust.state.value;
  const label =
    (state === undefined ? undefined : hostEverAdmitted(state, id))?.label ??
    state?.chain.automationKeys.get(id)?.label;
  const name = kind === "person" ? trust.nameOf(id) : label;
  return { kind, id, ...(name === undefined ? {} : { name }) };
}

function requesterOf(trust: TrustKeeper, { actor }: CheckedRow["entry"]): Pick<LedgerEntry, "requester"> {
  if (actor.kind !== "person" && actor.kind !== "automation") return {};
  return { requester: partyOf(trust, actor.kind, actor.id) };
}

function kindOf(target: string): Party["kind"] {
  return target.startsWith("h-") ? "host" : "person";
}

/** The root, or a statement that this browser applied: the edge cannot invent one. */
function isStated({ state, applied }: TrustKeeper, hash: string): boolean {
  return hash === state.value?.workspace || applied.some((statement) => statement.hash === hash);
}

/**
 * Links each accepted command to its receipt and back. One command can go to many hosts, each with an acceptance and a
 * receipt of its own: intent and host together name them. An acceptance without a host is that of all of them, and links
 * to the first that answered. Oldest first.
 */
export function partnersOf(rows: Iterable<Pick<CheckedRow, "entry">>): ReadonlyMap<number, number> {
  const accepted = new Map<string, number>();
  const partners = new Map<number, number>();
  for (const { entry } of rows) {
    const { intent } = entry.detail;
    if (intent === undefined) continue;
    if (entry.action === "command.accepted") accepted.set(`${intent} ${entry.target ?? ""}`, entry.index);
    if (entry.action !== "command.receipt") continue;
    const other = accepted.get(`${intent} ${entry.target ?? ""}`) ?? accepted.get(`${intent} `);
    if (other === undefined) continue;
    if (!partners.has(other)) partners.set(other, entry.index);
    partners.set(entry.index, other);
  }
  return partners;
}
