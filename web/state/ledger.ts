/**
 * The ledger as pages see it: entries with names resolved, and what this browser computed of each. Part of the one
 * interface in backend.ts. May not: import DOM, fetch or crypto.
 */
import type { ReadonlySignal } from "@preact/signals";
import type { LedgerAction, LedgerDetail, PersonalField } from "../../protocol/ledger.ts";
import type { PatternRule } from "../../protocol/patterns.ts";
import type { Loadable, OriginClass, ReceiptView, Result, Stop, Trouble } from "./backend.ts";

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
  /** The end of the log fits what is signed and what this browser saw before, up to here; 0: not known yet. */
  readonly verified: number;
  /** First of the newest entries that this browser recomputed and linked to each other without a gap; 1: all of them. */
  readonly from: number;
  readonly checking: boolean;
  readonly head?: string;
  readonly failure?: LedgerFailure;
  /** Newest checkpoint that the ledger key of the trust log signed. */
  readonly signed?: { readonly size: number; readonly at: number };
  /** What lies at or before this index was sealed and dropped. */
  readonly droppedTo?: number;
  readonly witness: {
    /** Admitted hosts that are not beside the edge. */
    readonly eligible: number;
    /** Those that cosigned in the last 24 h. */
    readonly cosigned: number;
    /** More than half of them; 0 where nobody can. */
    readonly needed: number;
    /** Every entry up to here is witnessed; 0: none. */
    readonly size: number;
  };
}

export interface LedgerFailure {
  readonly index: number;
  /** A whole sentence. */
  readonly reason: string;
  /** `log`: not one entry, the log itself is another one than before. */
  readonly of: "entry" | "log";
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
  /** Of a sign-in: from where and with what, as the edge saw it. */
  readonly country?: string;
  readonly device?: string;
  /** Personal values that the entry commits to and that are not shown: erased, or kept back. */
  readonly closed?: readonly PersonalField[];
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
  /** Entries of the checkpoint that it was proven under; without one, of the chain that was recomputed here. */
  readonly chainSize: number;
  /** Labels of the hosts whose cosignatures on that checkpoint verify. */
  readonly cosigners: readonly string[];
  readonly checks: readonly ProofCheck[];
  /** The proof as a file for `clawhold verify`, if there is one. */
  readonly file?: { readonly name: string; readonly json: string };
}

/** Who vouches for an entry beside the edge. `unsigned`: no checkpoint covers it yet; it takes seconds. */
export type Witnessed = "witnessed" | "signed" | "unsigned";

export interface Mark {
  readonly rule: PatternRule;
  /** Why, in a sentence. */
  readonly why: string;
}

/** A row of a list. Without an entry: the edge gave something else at this place, and `broken` says what. */
export interface LogItem {
  readonly index: number;
  readonly entry?: LedgerEntry;
  readonly broken?: string;
  readonly witnessed: Witnessed;
  readonly marks: readonly Mark[];
  readonly findings: readonly FindingView[];
}

/** The whole log, by index: what is not held is fetched when it is wanted, and forgotten when others are. */
export interface LogRows {
  /** Moves whenever an answer below may be another. */
  readonly changed: ReadonlySignal<number>;
  /** Undefined: not held (yet). */
  item(index: number): LogItem | undefined;
  /** Both included. The newest wish counts. */
  want(first: number, last: number): void;
  /** Why the newest wish could not be had. */
  readonly trouble: ReadonlySignal<Trouble | undefined>;
}

/** What a filtered list asks for. Empty: everything. */
export interface LogQuery {
  /** Edge clock, seconds; the first included, the last not. */
  readonly since?: number;
  readonly until?: number;
  readonly actor?: string;
  readonly host?: string;
  /** Any of these; absent: all. */
  readonly actions?: readonly LedgerAction[];
  /** What the edge cannot be asked for, judged here. */
  readonly keeps?: (entry: LedgerEntry) => boolean;
}

/** Entries that match, newest first; each proven by itself. What was left out would not show. */
export interface LogMatches {
  readonly items: ReadonlySignal<readonly LogItem[]>;
  readonly state: ReadonlySignal<MatchesState>;
  /** Looks further back. */
  more(): void;
  stop(): void;
}

export interface MatchesState {
  readonly looking: boolean;
  /** Looked at, down to this index. */
  readonly scanned: number;
  readonly end: "more" | "all" | "full";
  readonly trouble?: Trouble;
}

export interface WitnessHost {
  readonly host: string;
  readonly label: string;
  /** Beside the edge: it falls with the edge, and does not count. */
  readonly colocated: boolean;
  /** Newest checkpoint of this log that it cosigned, and when by its own clock. */
  readonly size?: number;
  readonly at?: number;
  /** Within the last 24 h. */
  readonly recent: boolean;
  /** It cosigned a log that is not this one. */
  readonly other?: { readonly size: number; readonly root: string };
}

export interface WitnessView {
  /** Newest checkpoint, verified here; absent: none is signed yet. */
  readonly signed?: { readonly size: number; readonly root: string; readonly at: number };
  readonly eligible: number;
  readonly needed: number;
  /** Every entry up to here was cosigned by as many as needed. */
  readonly size: number;
  readonly hosts: readonly WitnessHost[];
  /** The writer refuses to sign: what it finds is not what it signed, or what a host has seen. */
  readonly refused?: {
    readonly since: number;
    readonly reason: "smaller" | "different";
    readonly held: LogViewOf;
    readonly shown: LogViewOf;
    readonly host?: string;
  };
}

/** A checkpoint of this very log: its signature, its place in the log and every cosignature were verified here. */
export interface CheckpointRow {
  readonly size: number;
  /** Edge clock, seconds. */
  readonly at: number;
  /** Labels of admitted hosts. */
  readonly by: readonly string[];
  readonly notBy: readonly string[];
}

export interface CheckpointsView {
  /** Newest first. */
  readonly rows: readonly CheckpointRow[];
  /** How many more the edge gave that were not proven to be of this log. */
  readonly unproven: number;
}

/** A log by its numbers. */
export interface LogViewOf {
  readonly size: number;
  readonly root: string;
}

export interface Onlooker {
  readonly id: string;
  readonly name: string;
  readonly sessions: number;
  readonly lastSeenAt: number;
  readonly isYou: boolean;
}

export interface PatternsView {
  /** Entries that stand out, newest first. */
  readonly indices: readonly number[];
  /** Rules were applied to everything from this moment on; before it nobody looked. */
  readonly since: number;
}

/** What the cross-check of log and receipts found, in words of protocol/audit. */
export interface FindingView {
  readonly index: number;
  readonly code: string;
  /** `wrong`: somebody has to answer for it. `open`: it says what happened without blaming anybody. */
  readonly weight: "wrong" | "open";
  /** Part of a sentence, without its end. */
  readonly what: string;
  readonly next: string;
}

export interface FindingsView {
  /** Everything from this entry on was held against the receipts of the hosts. */
  readonly from: number;
  readonly list: readonly FindingView[];
}

export interface ActivityLog {
  readonly status: ReadonlySignal<LedgerStatus>;
  /** The newest, newest first, without gaps. New entries appear at the front without reload. */
  readonly entries: ReadonlySignal<Loadable<readonly LedgerEntry[]>>;
  readonly rows: LogRows;
  find(query: LogQuery): LogMatches;
  /** Index of the newest entry before that moment; 0: there is none. */
  indexBefore(at: number): Promise<Result<number>>;
  /** Loads and checks on first use; the same index gives the same signal. */
  proof(index: number): ReadonlySignal<Loadable<EntryProof>>;
  /** Loads and checks it again: cosignatures and receipts come later. */
  prove(index: number): void;
  readonly witnesses: ReadonlySignal<Loadable<WitnessView>>;
  readonly checkpoints: ReadonlySignal<Loadable<CheckpointsView>>;
  /** Loads them and verifies each: only for whoever opens that list. */
  lookAtCheckpoints(): void;
  readonly patterns: ReadonlySignal<Loadable<PatternsView>>;
  readonly findings: ReadonlySignal<FindingsView>;
  readonly onlookers: ReadonlySignal<readonly Onlooker[]>;
  /** Keep the log live while somebody is signed in. */
  watch(): Stop;
  /** What only its own page shows: who is looking, and what stands out. */
  watchPage(): Stop;
}
