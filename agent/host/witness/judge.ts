/**
 * Judges what an edge shows of the activity log, by arithmetic alone. The edge, its database and its keys are hostile
 * here: nothing it says is believed that does not compute up to the root of the checkpoint. Pure: reads and keeps nothing.
 */
import { equalBytes, fromBase64url } from "../../../protocol/bytes.ts";
import { MalformedError } from "../../../protocol/canonical.ts";
import { entryLeaf, type Checkpoint } from "../../../protocol/checkpoint.ts";
import { entryCodec, entryDigest, type LedgerEntry } from "../../../protocol/ledger.ts";
import { HASH_BYTES, verifyConsistency, verifyInclusion, type Hash } from "../../../protocol/merkle.ts";
import type { Digest } from "../../../protocol/signing.ts";
import type { OwnReceipt } from "../warden/journal.ts";
import type { Proof } from "./questions.ts";

type ShownReceipt = Proof["receipts"][number];

/** `longer` says nothing yet: whether it begins with what is held takes a proof. */
export type Order = "first" | "same" | "longer" | "smaller" | "different";

export function compare(held: Checkpoint | undefined, shown: Checkpoint): Order {
  if (held === undefined) return "first";
  if (shown.size < held.size) return "smaller";
  if (shown.size > held.size) return "longer";
  return equalBytes(shown.root, held.root) ? "same" : "different";
}

export function isConsistent(held: Checkpoint, shown: Checkpoint, { consistency }: Proof): boolean {
  return verifyConsistency({
    from: held.size,
    to: shown.size,
    fromRoot: held.root,
    toRoot: shown.root,
    proof: consistency.map(toHash),
  });
}

export interface ReceiptsInput {
  readonly host: string;
  /** In the order of their numbers. */
  readonly receipts: readonly OwnReceipt[];
  readonly shown: Checkpoint;
  readonly proof: Proof;
}

/** How many of the receipts, from the first on, are proven to be entries of the shown log. */
export function countProven({ host, receipts, shown, proof }: ReceiptsInput): number {
  const missing = receipts.findIndex(
    ({ number, digest }) =>
      !proof.receipts.some((answer) => answer.number === number && isProven(answer, { host, digest, shown })),
  );
  return missing < 0 ? receipts.length : missing;
}

interface Claim {
  readonly host: string;
  readonly digest: Digest;
  readonly shown: Checkpoint;
}

/** The digest names number, intent and verdict: an entry that carries it is about exactly this receipt. */
function isProven({ entry: text, inclusion }: ShownReceipt, { host, digest, shown }: Claim): boolean {
  const bytes = fromBase64url(text);
  const entry = readEntry(bytes);
  if (entry === undefined || entry.workspace !== shown.workspace) return false;
  const { action, actor, target, detail } = entry;
  if (action !== "command.receipt" || detail.receipt !== digest) return false;
  if (actor.kind !== "host" || actor.id !== host || target !== host) return false;
  return verifyInclusion({
    index: entry.index - 1,
    size: shown.size,
    leaf: entryLeaf(entryDigest(bytes)),
    proof: inclusion.map(toHash),
    root: shown.root,
  });
}

function readEntry(bytes: Uint8Array): LedgerEntry | undefined {
  try {
    return entryCodec.decode(bytes);
  } catch (error) {
    if (error instanceof MalformedError) return undefined;
    throw error;
  }
}

/** The frame's schema lets only 32 bytes through. */
function toHash(text: string): Hash {
  const bytes = fromBase64url(text);
  if (bytes.length !== HASH_BYTES) throw new TypeError("witness: not a hash");
  return bytes;
}
