/**
 * The append-only audit log: entries, their chain, and how anybody checks it. An entry is named by the digest of
 * its canonical bytes, which contain the digest of the entry before. Personal fields are commitments, so that a
 * value can be erased without breaking the chain.
 */
import * as v from "valibot";
import { encodeCanonical, MalformedError } from "./canonical.ts";
import { codec, count, digest, id, milliseconds, nonce, operationName, version } from "./fields.ts";
import { verdicts, ZERO_DIGEST } from "./messages.ts";
import { refusalCodes } from "./refusals.ts";
import { digestOf, type Digest } from "./signing.ts";

/** The closed registry of actions: a new one is a new line, and a sentence on the activity page. */
export const ledgerActions = [
  "workspace.created", // the root was accepted
  "session.started",
  "session.ended",
  "session.refused",
  "trust.stated", // a statement was accepted
  "trust.refused",
  "host.joined", // a host asked to join; it is quarantined until admitted
  "host.connected",
  "host.disconnected",
  "certificate.issued",
  "command.accepted", // written before the edge hands the command to a host
  "command.refused", // by the edge, or by an unsigned answer of the host
  "command.receipt", // the host's signed word
  "passkey.registered",
  "session.revoked", // ended early by its person or an administrator
  "invitation.made",
  "invitation.enrolled",
  "invitation.withdrawn",
  "proposal.made", // the first of several people approved
  "proposal.approved", // one more did
  "proposal.withdrawn",
  "join-token.made",
  "certificate.revoked",
  "host.frozen", // the host was shown two histories of who may do what
  "host.reset", // its owner let it forget whom it obeys; the host's signed last word
  "alert.raised",
  "alert.acknowledged",
  "alert.resolved",
  "setting.changed", // of the edge itself
  "evidence.read", // somebody read what a person signed, one by one
  "calls.counted", // ordinary requests of one actor since the last such entry
  "ledger.exported", // written before the first byte leaves
  "ledger.erased", // a personal value; written before it goes
  "ledger.sealed", // a full segment moved out of the open table
  "ledger.dropped", // a sealed and exported segment; its hashes stay
  "checkpoint.refused", // the writer found another past than it had signed, or than a host had seen
  "witness.refused", // a host refused to cosign
  "witness.reset", // a host's owner let it forget what it had seen
  "stream.set-aside", // entries that a far end would not take
  "stream.replayed",
  "approval.refused", // a touch for a change of the edge, the end of a sign-in or a new passkey; some each hour, then only counted
  "address.banned", // an address failed too often to prove anything
  "address.unbanned", // by a person; a ban that runs out says so in its own entry
] as const;
export type LedgerAction = (typeof ledgerActions)[number];

const actorSchema = v.variant("kind", [
  v.strictObject({ kind: v.literal("person"), id }),
  v.strictObject({ kind: v.literal("host"), id }),
  v.strictObject({ kind: v.literal("automation"), id }),
  v.strictObject({ kind: v.literal("edge") }),
  /** Somebody who has not proven who they are. */
  v.strictObject({ kind: v.literal("unknown") }),
]);

/** Personal values that entries commit to: the source address, and for sign-ins where from and with what. */
export const personalFields = ["source", "country", "device"] as const;
export type PersonalField = (typeof personalFields)[number];

/** A checkpoint by its numbers: how long the log was, and its root. */
const viewSchema = v.strictObject({ size: count, root: digest });
export type CheckpointView = v.InferOutput<typeof viewSchema>;

export const erasableSchema = v.variant("field", [
  v.strictObject({ field: v.picklist(personalFields), index: v.pipe(count, v.minValue(1)) }),
  /** The name that a statement of the trust log commits to. */
  v.strictObject({ field: v.literal("name"), person: id }),
]);
export type Erasable = v.InferOutput<typeof erasableSchema>;

/** Why somebody took a copy: what may be read is one thing, what for is another (minimum necessary). */
export const exportPurposes = ["audit", "incident", "backup", "retention", "access-request", "other"] as const;
export const exportFormats = ["jsonl", "csv", "ocsf", "cef", "syslog"] as const;
export type ExportFormat = (typeof exportFormats)[number];

/** Facts of one action; each field is metadata by construction. */
const detailSchema = v.strictObject({
  operation: v.optional(operationName),
  intent: v.optional(digest),
  verdict: v.optional(v.picklist(verdicts)),
  code: v.optional(v.union([v.picklist(refusalCodes), v.pipe(v.string(), v.regex(/^[a-z][a-z_.-]{1,40}$/))])),
  /** Digest of the receipt; the signed bytes are kept beside the ledger and checked against this. */
  receipt: v.optional(digest),
  statement: v.optional(digest),
  statementKind: v.optional(v.pipe(v.string(), v.regex(/^[a-z][a-z.-]{1,40}$/))),
  session: v.optional(digest),
  /** What a refused touch was brought to, as the contracts name it; not what it was signed for. */
  endpoint: v.optional(v.pipe(v.string(), v.regex(/^[a-z][A-Za-z]{1,47}$/))),
  certificate: v.optional(v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/))),
  proposal: v.optional(digest),
  invitation: v.optional(id),
  alert: v.optional(id),
  setting: v.optional(v.pipe(v.string(), v.regex(/^[a-z][A-Za-z]{1,47}$/))),
  /** Requests since the last count of this actor, and since the first: a count that is left out shows in the next. */
  calls: v.optional(v.strictObject({ since: count, total: count })),
  export: v.optional(v.strictObject({ id, format: v.picklist(exportFormats), purpose: v.picklist(exportPurposes) })),
  erased: v.optional(erasableSchema),
  /** `exported`: SHA-256 of the copy that whoever dropped it keeps. */
  segment: v.optional(
    v.strictObject({
      n: v.pipe(count, v.minValue(1)),
      first: count,
      last: count,
      hash: digest,
      exported: v.optional(digest),
    }),
  ),
  /** Two views of one log: what was held or signed before, and what was shown. */
  views: v.optional(v.strictObject({ held: viewSchema, shown: viewSchema })),
  stream: v.optional(id),
  /** How long an address is banned, and for the how-manieth time in a row. The address is the entry's source. */
  ban: v.optional(v.strictObject({ seconds: count, times: v.pipe(count, v.minValue(1)) })),
  /** Entries of a stream, both included. */
  range: v.optional(v.strictObject({ first: count, last: count })),
});
export type LedgerDetail = v.InferOutput<typeof detailSchema>;

/** Members in the order in which they are written: a million entries then need no sorting. */
const entrySchema = v.strictObject({
  action: v.picklist(ledgerActions),
  actor: actorSchema,
  /** Edge clock, milliseconds. */
  at: milliseconds,
  /** Commitments to the country of the source address (ISO 3166, two letters) and to the kind of browser; sign-ins only. */
  country: v.optional(digest),
  detail: detailSchema,
  device: v.optional(digest),
  /** From 1. */
  index: v.pipe(count, v.minValue(1)),
  previous: digest,
  /** Commitment to the source IP, absent where there is none. */
  source: v.optional(digest),
  /** Host or person acted on; absent for the workspace itself. */
  target: v.optional(id),
  v: version,
  workspace: digest,
});
export type LedgerEntry = v.InferOutput<typeof entrySchema>;
export type LedgerActor = LedgerEntry["actor"];
export const entryCodec = codec(entrySchema);

/** What a caller asks to be written; the writer adds index, time and chain. */
export type LedgerDraft = Pick<LedgerEntry, "actor" | "action" | "detail"> & {
  readonly target?: string;
  /** Source IP in clear: the writer commits to it. */
  readonly sourceIp?: string;
  /** Likewise. */
  readonly country?: string;
  readonly device?: string;
  /** Appends with one subject are idempotent: (action, subject) is written once. */
  readonly subject?: string;
};

/** A personal value that an entry commits to. Erasable; the entry stays. */
const commitmentSchema = v.strictObject({
  field: v.picklist([...personalFields, "name"]),
  salt: nonce,
  value: v.pipe(v.string(), v.maxLength(128)),
});
export type Commitment = v.InferOutput<typeof commitmentSchema>;

export function commit(commitment: Commitment): Digest {
  return digestOf("commitment", encodeCanonical({ ...commitment }));
}

export function entryDigest(bytes: Uint8Array): Digest {
  return digestOf("ledger-entry", bytes);
}

/** Where a reader stands: everything up to `index` was verified and ends in `hash`. */
export interface ChainPosition {
  readonly index: number;
  readonly hash: Digest;
}
export const CHAIN_START: ChainPosition = { index: 0, hash: ZERO_DIGEST };

export type ChainFault =
  | "malformed" // not an entry
  | "workspace" // of another workspace
  | "gap" // the index is not the next one
  | "previous" // it does not name the entry before
  | "hash"; // the digest stored beside it is another

export type ChainStep =
  | { readonly ok: true; readonly entry: LedgerEntry; readonly position: ChainPosition }
  | { readonly ok: false; readonly fault: ChainFault; readonly index: number };

/** Checks that `bytes` is the entry after `position`. `storedHash` is what the database claims its digest to be. */
export function checkEntry(
  bytes: Uint8Array,
  storedHash: Digest,
  { workspace, position }: { readonly workspace: string; readonly position: ChainPosition },
): ChainStep {
  const expectedIndex = position.index + 1;
  const fail = (fault: ChainFault): ChainStep => ({ ok: false, fault, index: expectedIndex });
  let entry: LedgerEntry;
  try {
    entry = entryCodec.decode(bytes);
  } catch (error) {
    if (error instanceof MalformedError) return fail("malformed");
    throw error;
  }
  if (entry.workspace !== workspace) return fail("workspace");
  if (entry.index !== expectedIndex) return fail("gap");
  if (entry.previous !== position.hash) return fail("previous");
  const hash = entryDigest(bytes);
  if (hash !== storedHash) return fail("hash");
  return { ok: true, entry, position: { index: entry.index, hash } };
}
