/** What a host has seen of the activity log, in words. Pure. */
import type { AgentStatus } from "../host/status-file.ts";
import type { Conflict, WitnessRecord } from "../host/witness/witness-file.ts";
import { heldCheckpoint } from "../host/witness/witness-file.ts";
import { unverifiedCheckpoint } from "../host/witness/notes.ts";
import { MalformedError } from "../../protocol/canonical.ts";
import { rootDigest } from "../../protocol/checkpoint.ts";

export interface View {
  readonly size: number;
  /** base64url. */
  readonly root: string;
}

export interface ShownConflict {
  readonly reason: Conflict["reason"];
  /** Host clock, seconds. */
  readonly at: number;
  readonly held: (View & { readonly note: string }) | undefined;
  /** Without numbers where it is no checkpoint at all. */
  readonly shown: Partial<View> & { readonly note: string };
}

export interface Audited {
  readonly held: (View & { readonly since: number }) | undefined;
  readonly cosigned: { readonly size: number; readonly at: number } | undefined;
  /** Own receipts up to this number are proven to be in what is held. */
  readonly provenTo: number;
  /** The receipt that is missing, so that nothing is cosigned. */
  readonly missing: number | undefined;
  readonly conflicts: readonly ShownConflict[];
  /** The owner let it forget, and the edge has not shown anything since. */
  readonly resetAt: number | undefined;
}

export function auditedOf(record: WitnessRecord): Audited {
  const checkpoint = heldCheckpoint(record);
  const { held, cosigned, provenTo, withheld, conflicts, reset } = record;
  return {
    held:
      checkpoint === undefined || held === undefined
        ? undefined
        : { size: checkpoint.size, root: rootDigest(checkpoint), since: held.at },
    cosigned: cosigned === undefined ? undefined : { size: cosigned.size, at: cosigned.at },
    provenTo,
    missing: withheld,
    conflicts: conflicts.map(({ reason, at, ...notes }) => ({
      reason,
      at,
      held: notes.held === undefined ? undefined : { ...requireView(notes.held), note: notes.held },
      shown: { ...viewOf(notes.shown), note: notes.shown },
    })),
    resetAt: reset?.at,
  };
}

function viewOf(note: string): View | undefined {
  try {
    const checkpoint = unverifiedCheckpoint(note);
    return { size: checkpoint.size, root: rootDigest(checkpoint) };
  } catch (error) {
    if (error instanceof MalformedError) return undefined;
    throw error;
  }
}

function requireView(note: string): View {
  const view = viewOf(note);
  if (view === undefined) throw new TypeError("audit: what was held is a checkpoint");
  return view;
}

export const CONFLICTS = {
  signature: "the ledger key of this workspace did not sign it",
  smaller: "it is shorter than what this host had seen",
  different: "it is as long as what this host had seen, with another root",
  inconsistent: "it is longer, and was not shown to begin with what this host had seen",
} as const satisfies Record<Conflict["reason"], string>;

type Witness = NonNullable<AgentStatus["witness"]>;

/** One sentence, for `clawhold status` and `clawhold doctor`. */
export function witnessSentence({ size, cosigned, stalled, conflicts }: Witness): {
  readonly ok: boolean;
  readonly sentence: string;
} {
  if (conflicts > 0)
    return {
      ok: false,
      sentence:
        "This host was shown an activity log that does not follow from what it saw before. See both with clawhold audit show, and compare with a copy from before.",
    };
  if (stalled !== undefined)
    return {
      ok: false,
      sentence: `Receipt ${String(stalled)} of this host was not shown to be in the activity log, so it witnesses nothing. Look for it on the page Activity; if it stays missing, something removes entries.`,
    };
  if (size === undefined) return { ok: true, sentence: "has not been shown the activity log yet" };
  if (cosigned?.size !== size) return { ok: true, sentence: `has seen the activity log up to entry ${String(size)}` };
  return { ok: true, sentence: `witnesses the activity log up to entry ${String(size)}` };
}
