/** One honest row of each action, always the same, with everything in it that a format could stumble over. */
import { toBase64url } from "../../../protocol/bytes.ts";
import { encodeCanonical } from "../../../protocol/canonical.ts";
import type { ActivityRow } from "../../../protocol/contracts/ledger.ts";
import {
  commit,
  entryDigest,
  ledgerActions,
  type LedgerAction,
  type LedgerDetail,
  type LedgerEntry,
} from "../../../protocol/ledger.ts";
import { nonceOf } from "../../fixtures/keys.ts";

type Facts = Pick<LedgerEntry, "actor" | "detail"> & {
  readonly target?: string;
  readonly source?: string;
  readonly country?: string;
  readonly device?: string;
};

const ada = { kind: "person", id: "p-ada" } as const;
const edge = { kind: "edge" } as const;
const unknown = { kind: "unknown" } as const;
const robot = { kind: "automation", id: "k-robot" } as const;
const vps = { kind: "host", id: "h-vps-1" } as const;
const session = nonceOf("session");
const intent = nonceOf("intent");
const views = { held: { size: 9, root: nonceOf("held") }, shown: { size: 7, root: nonceOf("shown") } };

const by = (actor: LedgerEntry["actor"], detail: LedgerDetail, rest: Omit<Facts, "actor" | "detail"> = {}): Facts => ({
  actor,
  detail,
  ...rest,
});

const facts = {
  "workspace.created": by(ada, { statement: nonceOf("root") }, { source: "192.0.2.7" }),
  "session.started": by(
    ada,
    { session },
    { target: "p-ada", source: "2001:db8::7", country: "DE", device: "Firefox, Linux" },
  ),
  "session.ended": by(edge, { session }, { target: "p-ada" }),
  "session.refused": by(unknown, { code: "sign_in_refused" }, { source: "192.0.2.8" }),
  "trust.stated": by(
    ada,
    { statement: nonceOf("statement"), statementKind: "person.add", session },
    { target: "p-otto" },
  ),
  "trust.refused": by(ada, { code: "place", session }),
  "host.joined": by(vps, {}, { source: "198.51.100.4" }),
  "host.connected": by(vps, {}, { source: "198.51.100.4" }),
  "host.disconnected": by(vps, {}),
  "certificate.issued": by(edge, { certificate: "ab".repeat(32) }, { target: "h-vps-1" }),
  "command.accepted": by(
    ada,
    { operation: "gateway.restart@1", intent, session },
    { target: "h-vps-1", source: "192.0.2.7" },
  ),
  "command.refused": by(robot, { operation: "gateway.restart@1", code: "target" }, { target: "h-vps-1" }),
  "command.receipt": by(vps, { intent, receipt: nonceOf("receipt"), verdict: "executed" }, { target: "h-vps-1" }),
  "passkey.registered": by(ada, {}, { target: "p-ada" }),
  "session.revoked": by(ada, { session }, { target: "p-otto" }),
  "invitation.made": by(ada, { invitation: "i-one" }),
  "invitation.enrolled": by(unknown, { invitation: "i-one" }, { source: "203.0.113.9" }),
  "invitation.withdrawn": by(ada, { invitation: "i-one" }),
  "proposal.made": by(ada, { proposal: nonceOf("proposal"), operation: "host.drill@1" }, { target: "h-vps-1" }),
  "proposal.approved": by({ kind: "person", id: "p-otto" }, { proposal: nonceOf("proposal") }),
  "proposal.withdrawn": by(ada, { proposal: nonceOf("proposal") }),
  "join-token.made": by(ada, {}),
  "certificate.revoked": by(edge, { certificate: "cd".repeat(32) }, { target: "h-vps-1" }),
  "host.frozen": by(vps, {}, { target: "h-vps-1" }),
  "host.reset": by(vps, {}, { target: "h-vps-1" }),
  "alert.raised": by(edge, { alert: "a-one", code: "host.cloned" }, { target: "h-vps-1" }),
  "alert.acknowledged": by(ada, { alert: "a-one" }, { target: "h-vps-1" }),
  "alert.resolved": by(edge, { alert: "a-one" }, { target: "h-vps-1" }),
  "setting.changed": by(ada, { setting: "streamAdd", stream: "s-one", session }),
  "evidence.read": by(ada, { intent }, { target: "h-vps-1" }),
  "calls.counted": by(ada, { calls: { since: 12, total: 340 } }),
  "ledger.exported": by(ada, { export: { id: "x-one", format: "jsonl", purpose: "audit" }, session }),
  "ledger.erased": by(ada, { erased: { field: "source", index: 2 }, session }),
  "ledger.sealed": by(edge, { segment: { n: 1, first: 1, last: 64, hash: nonceOf("segment") } }),
  "ledger.dropped": by(ada, { segment: { n: 1, first: 1, last: 64, hash: nonceOf("segment") } }),
  "checkpoint.refused": by(edge, { code: "smaller", views }),
  "witness.refused": by(vps, { views }),
  "witness.reset": by(vps, {}),
  "stream.set-aside": by(edge, { stream: "s-one", range: { first: 3, last: 5 }, code: "status" }),
  "stream.replayed": by(ada, { stream: "s-one", range: { first: 3, last: 5 } }),
  "approval.refused": by(ada, { code: "approval_used", session }, { source: "192.0.2.7" }),
  "address.banned": by(edge, { ban: { seconds: 300, times: 2 } }, { source: "192.0.2.7" }),
  "address.unbanned": by(ada, {}, { source: "192.0.2.7" }),
} as const satisfies Record<LedgerAction, Facts>;

const opening = (field: "source" | "country" | "device", value: string | undefined) =>
  value === undefined ? undefined : { salt: nonceOf(field), value };

export const WORKSPACE = nonceOf("workspace");

export function rowOf(
  action: LedgerAction,
  index = ledgerActions.indexOf(action) + 1,
  more: Partial<Facts> = {},
): ActivityRow {
  const { actor, detail, target, source, country, device }: Facts = { ...facts[action], ...more };
  const openings = {
    source: opening("source", source),
    country: opening("country", country),
    device: opening("device", device),
  };
  const present = Object.entries(openings).flatMap(([field, value]) =>
    value === undefined ? [] : [[field, value] as const],
  );
  const body = encodeCanonical({
    v: 1,
    workspace: WORKSPACE,
    index,
    at: 1_800_000_000_000 + index * 1_001,
    actor,
    action,
    ...(target === undefined ? {} : { target }),
    ...Object.fromEntries(
      present.map(([field, { salt, value }]) => [field, commit({ field: field as "source", salt, value })]),
    ),
    detail,
    previous: nonceOf("previous"),
  });
  return { index, body: toBase64url(body), hash: entryDigest(body), ...Object.fromEntries(present) };
}
