/**
 * Checkpoints: the size and root of a workspace's log at one moment, signed by its ledger key and cosigned by its hosts
 * (C2SP tlog-checkpoint). And what it takes to call one witnessed.
 */
import { fromBase64url, toBase64url } from "./bytes.ts";
import { MalformedError } from "./canonical.ts";
import { HASH_BYTES, leafHash, type Hash } from "./merkle.ts";
import {
  cosignedAt,
  decodeNote,
  encodeNote,
  fromBase64,
  isSignedBy,
  signNote,
  toBase64,
  type NoteSigner,
} from "./note.ts";
import {
  CHECKPOINT_SECONDS,
  HOSTS_A_CHECKPOINT_SECOND,
  MAX_CHECKPOINT_SECONDS,
  SESSION_SKEW_SECONDS,
} from "./limits.ts";
import type { Note } from "./note.ts";
import type { Digest } from "./signing.ts";

export interface Checkpoint {
  /** Digest of the root statement. */
  readonly workspace: Digest;
  /** How many entries; the newest has this index. */
  readonly size: number;
  readonly root: Hash;
}

/** The leaf of an entry is the hash of its digest: who holds the digests can rebuild the tree without the entries. */
export function entryLeaf(entryDigest: Digest): Hash {
  return leafHash(fromBase64url(entryDigest));
}

/** The log's name, and the name under which its ledger key signs. */
export function logOrigin(workspace: Digest): string {
  return `clawhold/${workspace}`;
}

export function witnessName(workspace: Digest, host: string): string {
  return `${logOrigin(workspace)}/${host}`;
}

export function checkpointText({ workspace, size, root }: Checkpoint): string {
  return `${logOrigin(workspace)}\n${size}\n${toBase64(root)}\n`;
}

/** Closed: three lines, no extensions. @throws {MalformedError} */
export function parseCheckpoint(text: string): Checkpoint {
  const [, workspace, digits, encoded] =
    /^clawhold\/([A-Za-z0-9_-]{43})\n(0|[1-9]\d{0,15})\n([A-Za-z0-9+/]{43}=)\n$/.exec(text) ?? [];
  if (workspace === undefined || digits === undefined || encoded === undefined)
    throw new MalformedError("checkpoint: not one of ours");
  const size = Number(digits);
  const root = fromBase64(encoded);
  if (!Number.isSafeInteger(size) || root.length !== HASH_BYTES) throw new MalformedError("checkpoint: size or root");
  return { workspace, size, root };
}

/** A note with the ledger key's signature and no other. */
export async function signCheckpoint(checkpoint: Checkpoint, signer: NoteSigner): Promise<string> {
  const text = checkpointText(checkpoint);
  return encodeNote({ text, signatures: [await signNote(text, logOrigin(checkpoint.workspace), signer)] });
}

export interface OpenedCheckpoint extends Checkpoint {
  readonly note: Note;
}

export type CheckpointFault =
  | "malformed" // not a checkpoint of ours
  | "workspace" // of another workspace
  | "signature"; // the ledger key did not sign it

/** A checkpoint that this ledger key signed, or why it is none. */
export async function openCheckpoint(
  encoded: string,
  { workspace, ledgerKey }: { readonly workspace: Digest; readonly ledgerKey: string },
): Promise<OpenedCheckpoint | CheckpointFault> {
  let note: Note;
  let checkpoint: Checkpoint;
  try {
    note = decodeNote(encoded);
    checkpoint = parseCheckpoint(note.text);
  } catch (error) {
    if (error instanceof MalformedError) return "malformed";
    throw error;
  }
  if (checkpoint.workspace !== workspace) return "workspace";
  const isOurs = await isSignedBy(note, { name: logOrigin(workspace), publicKey: ledgerKey });
  return isOurs ? { ...checkpoint, note } : "signature";
}

/** When this host cosigned it, by its own clock, seconds; undefined: it did not. */
export function cosignedBy(
  { workspace, note }: OpenedCheckpoint,
  { host, cosignKey }: { readonly host: string; readonly cosignKey: string },
): Promise<number | undefined> {
  return cosignedAt(note, { name: witnessName(workspace, host), publicKey: cosignKey });
}

/** Root as the wire and people carry it elsewhere. */
export function rootDigest({ root }: Checkpoint): Digest {
  return toBase64url(root);
}

/** One host's newest cosignature, verified by the caller, of a checkpoint of the same history. */
export interface Cosigned {
  readonly host: string;
  readonly size: number;
  /** The host's clock, seconds. */
  readonly at: number;
}

/**
 * An entry's time is the edge's, a cosignature's the host's. What hosts let a session's clock differ, these may differ as
 * well; more would let an edge have tomorrow's log cosigned today, while hosts still wait for what it left out.
 */
export const COSIGN_SKEW_SECONDS = SESSION_SKEW_SECONDS;

/**
 * Whether who cosigned at `cosignedAt` (host clock, seconds) can have seen entries up to one whose time, or that of any
 * before it, is `newest` (edge clock, milliseconds): nobody sees what has not happened yet. What lies behind an entry
 * that is not covered is not covered either.
 */
export function coversTime(cosignedAt: number, newest: number): boolean {
  return newest <= (cosignedAt + COSIGN_SKEW_SECONDS) * 1_000;
}

export interface WitnessStanding {
  /** Admitted hosts that are not beside the edge: only these can witness. */
  readonly eligible: readonly string[];
  /** More than half of them; 0 where nobody can. */
  readonly needed: number;
  /** Every entry up to here was seen by as many as needed; 0: none is witnessed. */
  readonly witnessedSize: number;
  /** Eligible hosts that cosigned within `WITNESS_SILENT_SECONDS`, and those that did not. */
  readonly recent: readonly string[];
  readonly silent: readonly string[];
}

/**
 * Whoever cosigned a longer log has seen the shorter one in it. A host beside the edge falls with the edge, so it does
 * not count; with no other host nothing is ever witnessed.
 */
export function witnessStanding(
  hosts: Iterable<{ readonly id: string; readonly colocated: boolean }>,
  cosigned: readonly Cosigned[],
  { now, silentSeconds }: { readonly now: number; readonly silentSeconds: number },
): WitnessStanding {
  const eligible = [...hosts].filter(({ colocated }) => !colocated).map(({ id }) => id);
  const newest = new Map<string, Cosigned>();
  for (const one of cosigned) {
    const held = newest.get(one.host);
    if (eligible.includes(one.host) && (held === undefined || held.size < one.size || held.at < one.at))
      newest.set(one.host, { ...one, size: Math.max(one.size, held?.size ?? 0), at: Math.max(one.at, held?.at ?? 0) });
  }
  const needed = eligible.length === 0 ? 0 : Math.floor(eligible.length / 2) + 1;
  const sizes = [...newest.values()].map(({ size }) => size).toSorted((a, b) => b - a);
  const recent = eligible.filter((host) => now - (newest.get(host)?.at ?? 0) <= silentSeconds);
  return {
    eligible,
    needed,
    witnessedSize: needed === 0 ? 0 : (sizes[needed - 1] ?? 0),
    recent,
    silent: eligible.filter((host) => !recent.includes(host)),
  };
}

/** Each checkpoint is shown to every host, and wakes each one's object: a large fleet is shown them less often. */
export function checkpointSeconds(hosts: number): number {
  return Math.min(MAX_CHECKPOINT_SECONDS, Math.max(CHECKPOINT_SECONDS, Math.ceil(hosts / HOSTS_A_CHECKPOINT_SECOND)));
}
