/**
 * The checkpoint of a copy, as many hosts as possible under it. The newest one was signed a moment ago, and hosts that are
 * awake cosign within a breath: it is worth that breath, because a copy without them proves less. Lines are counted here,
 * not verified; whoever reads the copy verifies them.
 */
import { edgeSeconds } from "../../durable-objects/clock.ts";
import type { CheckpointTable, StoredCheckpoint } from "../../durable-objects/db/checkpoint-table.ts";
import { witnessName, witnessStanding } from "../../protocol/checkpoint.ts";
import { MAX_CHECKPOINTS_LISTED, WITNESS_SILENT_SECONDS } from "../../protocol/limits.ts";
import { decodeNote } from "../../protocol/note.ts";

/** Together three seconds. */
const LOOKS = 10;
const PAUSE_MILLISECONDS = 300;

export interface CoveringInput {
  readonly checkpoint: Pick<StoredCheckpoint, "size" | "note">;
  /** Of the trust log. */
  readonly hosts: Iterable<{ readonly id: string; readonly colocated: boolean }>;
}

export interface Covering {
  /** With every cosignature that there is now. */
  readonly note: string;
  /** The newest of all sizes. */
  readonly listed: readonly StoredCheckpoint[];
}

export async function coveringCheckpoint(
  table: Pick<CheckpointTable, "workspace" | "list" | "witnesses">,
  { checkpoint, hosts }: CoveringInput,
  pause: () => Promise<unknown> = shortPause,
): Promise<Covering> {
  const known = [...hosts];
  const { size } = checkpoint;
  const areAwake = await isWorthWaiting(table, known);
  for (let look = 1; ; look++) {
    const listed = await table.list(MAX_CHECKPOINTS_LISTED);
    const note = listed.find((one) => one.size === size)?.note ?? checkpoint.note;
    const names = new Set(decodeNote(note).signatures.map(({ name }) => name));
    const cosigned = known
      .filter(({ id }) => names.has(witnessName(table.workspace, id)))
      .map(({ id }) => ({ host: id, size, at: edgeSeconds() }));
    if (!areAwake || look >= LOOKS || standing(known, cosigned).witnessedSize >= size) return { note, listed };
    await pause();
  }
}

/** Enough of them were seen within a day; for machines that sleep nobody waits. */
async function isWorthWaiting(
  table: Pick<CheckpointTable, "witnesses">,
  hosts: readonly { readonly id: string; readonly colocated: boolean }[],
): Promise<boolean> {
  const { recent, needed } = standing(hosts, await table.witnesses());
  return needed > 0 && recent.length >= needed;
}

function standing(
  hosts: readonly { readonly id: string; readonly colocated: boolean }[],
  cosigned: readonly { readonly host: string; readonly size: number; readonly at: number }[],
) {
  return witnessStanding(hosts, cosigned, { now: edgeSeconds(), silentSeconds: WITNESS_SILENT_SECONDS });
}

function shortPause(): Promise<unknown> {
  return new Promise((resolve) => setTimeout(resolve, PAUSE_MILLISECONDS));
}
