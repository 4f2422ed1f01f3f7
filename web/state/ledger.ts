/**
 * The ledger as pages see it: entries with names resolved, and what this browser computed of each. Part of the one
 * interface in backend.ts. May not: import DOM, fetch or crypto.
 */
import type { ReadonlySignal } from "@preact/signals";
import type { LedgerAction, LedgerDetail } from "../../protocol/ledger.ts";
import type { Loadable, OriginClass, ReceiptView, Stop } from "./backend.ts";

/** Only this browser's own computation may say `verified`. */
export type Seal =
  | { readonly state: "unverified" }
  /** A command whose host has not answered: nothing to verify yet. */
  | { readonly state: "no-receipt" }
  | { readonly state: "verified" }
  | { readonly state: "failed"; readonly reason: string };

export interface LedgerStatus {
  /** Entries the edge says there are. */
  readonly size: number;
  /** Entries 1 to `verified` form one chain that this browser recomputed. */
  readonly verified: number;
  readonly checking: boolean;
  readonly head?: string;
  readonly failure?: { readonly index: number; readonly reason: string };
  readonly witness: {
    /** Admitted hosts that are not beside the edge. */
    readonly eligible: number;
    /** Those that cosigned in the last 24 h. */
    readonly cosigned: number;
  };
}

/** `id` of the edge and of unknown is the kind itself. */
export interface Party {
  readonly kind: "person" | "host" | "automation" | "edge" | "unknown";
  readonly id: string;
  /** From the trust log or a verified commitment; absent: show the id. */
  readonly name?: string;
}

/** One entry as the ledger has it, with names resolved and with what this browser made of it. */
export interface LedgerEntry {
  readonly index: number;
  /** Seconds, with a fraction. */
  readonly at: number;
  readonly action: LedgerAction;
  readonly actor: Party;
  readonly target?: Party;
  /** Source address, as the edge saw it. */
  readonly source?: string;
  readonly detail: LedgerDetail;
  /** Of a receipt: the person whose command it answers, when the acceptance is loaded and verified. */
  readonly requester?: Party;
  /** Of a receipt or its acceptance: the other one's index, when it is loaded. */
  readonly partner?: number;
  readonly hash: string;
  readonly previous: string;
  readonly seal: Seal;
  /** `edge`: nobody signs this kind of entry; that it stands in the chain unchanged is all a browser can compute. */
  readonly word: "signed" | "edge";
}

export type CheckState = "passed" | "failed" | "unchecked";

/** One thing this browser computed, in the order it did so. `name` is a sentence such as "Entry hash recomputed". */
export interface ProofCheck {
  readonly name: string;
  readonly state: CheckState;
  readonly detail?: string;
}

export interface EntryProof {
  readonly entry: LedgerEntry;
  readonly approval?: {
    readonly person: string;
    /** Who approved the same before, by a proposal. */
    readonly before?: readonly string[];
    readonly passkey?: string;
    readonly userVerified: boolean;
    /** Seconds between building the intent and the press. */
    readonly afterSeconds?: number;
    readonly origin: string;
    readonly originClass: OriginClass;
  };
  readonly receipt?: ReceiptView;
  /** Size of the chain the entry was checked in. */
  readonly chainSize: number;
  readonly checks: readonly ProofCheck[];
  /** The proof as a file for `clawhold verify`, if there is one. */
  readonly file?: { readonly name: string; readonly json: string };
}

export interface ActivityLog {
  readonly status: ReadonlySignal<LedgerStatus>;
  /** Newest first, without gaps. New entries appear at the front without reload. */
  readonly entries: ReadonlySignal<Loadable<readonly LedgerEntry[]>>;
  /** Older entries exist that are not loaded. */
  readonly hasOlder: ReadonlySignal<boolean>;
  loadOlder(): Promise<void>;
  /** Loads and checks on first use; the same index gives the same signal. */
  proof(index: number): ReadonlySignal<Loadable<EntryProof>>;
  /** Keep the log live while somebody looks at it. */
  watch(): Stop;
}
