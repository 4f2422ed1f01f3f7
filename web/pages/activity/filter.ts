/** Which entries the activity page asks for. Pure. */
import { ledgerActions, type LedgerAction } from "../../../protocol/ledger.ts";
import { patternActions } from "../../../protocol/patterns.ts";
import type { ActivityFilter, ActivityRoute } from "../../router.ts";
import type { LedgerEntry, LogQuery, Party, PatternsView } from "../../state/ledger.ts";
import { nameOf } from "./names.ts";
import { isSigned } from "./signatures.ts";

type Kind = Exclude<ActivityFilter, "all" | "refused" | "signatures" | "unusual">;

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
  "address.banned": "sign-ins",
  "address.unbanned": undefined,
  "approval.refused": undefined,
} satisfies Record<LedgerAction, Kind | undefined>;

/** Refused by anybody: edge, host, or a sign-in. */
export function wasRefused({ action, detail }: LedgerEntry): boolean {
  return action.endsWith(".refused") || detail.verdict === "refused";
}

/** What a list is made from: the whole log by index, or what the edge finds. */
export type Wanted =
  | { readonly kind: "whole"; readonly entry?: number }
  | { readonly kind: "found"; readonly query: LogQuery };

export interface Known {
  /** Everybody and everything that an entry can name, with the names that this browser verified. */
  readonly parties: readonly Party[];
  /** Entries that stand out, and since when rules were applied. */
  readonly unusual: () => PatternsView | undefined;
}

export function wantedBy(route: ActivityRoute, known: Known): Wanted {
  const text = route.text.trim();
  const entry = /^#?([1-9]\d{0,14})$/.exec(text)?.[1];
  const narrowing = narrowingOf(route);
  const isWhole = route.show === "all" && Object.keys(narrowing).length === 0;
  if (isWhole && entry !== undefined) return { kind: "whole", entry: Number(entry) };
  if (isWhole && text === "") return { kind: "whole" };
  const [tab, named] = [shownBy(route, known), namedBy(text, known)];
  const judges = [tab.keeps, named.keeps].filter((keeps) => keeps !== undefined);
  const query = { ...narrowing, ...tab, ...named };
  if (judges.length < 2) return { kind: "found", query };
  return { kind: "found", query: { ...query, keeps: (one) => judges.every((keeps) => keeps(one)) } };
}

function narrowingOf({ since, until, actor, host, action }: ActivityRoute): LogQuery {
  const actions = ledgerActions.filter((one) => one === action);
  return {
    ...(since === undefined ? {} : { since }),
    ...(until === undefined ? {} : { until }),
    ...(actor === undefined ? {} : { actor }),
    ...(host === undefined ? {} : { host }),
    ...(actions.length === 0 ? {} : { actions }),
  };
}

/** An action that was chosen narrows a tab further; one that is not of the tab leaves nothing. */
function shownBy({ show, action, since = 0 }: ActivityRoute, { unusual }: Known): LogQuery {
  if (show === "all") return {};
  const ofTab = show === "unusual" ? patternActions : ledgerActions.filter((one) => isOfTab(one, show));
  const actions = action === undefined ? ofTab : ofTab.filter((one) => one === action);
  if (show === "refused") return { actions, keeps: wasRefused };
  if (show !== "unusual") return { actions };
  const first = Math.max(since, unusual()?.since ?? 0);
  return { actions, since: first, keeps: ({ index }) => unusual()?.indices.includes(index) === true };
}

function isOfTab(action: LedgerAction, show: ActivityFilter): boolean {
  if (show === "refused") return action.endsWith(".refused") || action === "command.receipt";
  if (show === "signatures") return isSigned(action);
  return kinds[action] === show;
}

/** The edge can be asked for one person or host; for anything else each entry is looked at here. */
function namedBy(text: string, { parties }: Known): LogQuery {
  if (text === "") return {};
  const wanted = text.toLowerCase();
  const named = parties.filter((party) => nameOf(party).toLowerCase().includes(wanted) || party.id === text);
  const [only] = named;
  if (only === undefined || named.length > 1) return { keeps: (entry) => matches(entry, wanted) };
  return only.kind === "host" ? { host: only.id } : { actor: only.id };
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
