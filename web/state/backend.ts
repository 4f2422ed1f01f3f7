/**
 * Everything the pages need from behind them: one interface, made of signals (what is known now) and of verbs (what a
 * person asked for). Pages import this file and nothing of the network, WebAuthn or key code; whoever implements it
 * owns all of that and has no markup.
 * May not: import DOM, fetch or crypto; hold a sentence that a page shows for a state it can name itself.
 *
 * Time: `...At` is seconds since 1970 on the edge's clock, carried forward on the browser's monotonic clock; compare
 * it with `Backend.now()` only. The browser's wall clock is never used.
 */
import type { ExportDesk } from "./exports.ts";
import type { HostInviteDesk } from "./host-invites.ts";
import type { HistoryDesk } from "./curves.ts";
import type { KeepingDesk } from "./keeping.ts";
import type { EdgeKeyDesk } from "./edge-keys.ts";
import type { NetworkDesk } from "./networks.ts";
import type { StreamDesk } from "./streams.ts";
import type { ReadonlySignal } from "@preact/signals";
import type { OperationName } from "../../protocol/operations.ts";
import type { Freeze } from "../../protocol/trust/state.ts";
import type { Telemetry } from "../../protocol/telemetry.ts";
import type { AlertDesk } from "./alerts.ts";
import type { ActivityLog, Seal } from "./ledger.ts";
import type { Args, OrderDetails, Orders } from "./orders.ts";
import type { ProposalDesk } from "./proposals.ts";
import type { ReadingDesk } from "./readings.ts";
import type { ReleaseDesk } from "./releases.ts";
import type { EnrolmentFlow, InvitationDesk } from "./invitations.ts";
import type { TrustView } from "./people.ts";
import type { AddressDesk } from "./addresses.ts";
import type { SessionDesk } from "./sessions.ts";
import type { StatementDesk } from "./statements.ts";

/** What happened, why, and the next step, in sentences; `code` is for the log reader and is shown beside them. */
export interface Trouble {
  readonly code: string;
  readonly what: string;
  readonly why?: string;
  readonly next?: string;
  /** Problem id of the edge, for support. */
  readonly id?: string;
}

export type Result<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly trouble: Trouble };

/** `failed` keeps nothing: a page that had a value keeps showing it as stale until this changes. */
export type Loadable<T> =
  | { readonly state: "loading" }
  | { readonly state: "ready"; readonly value: T }
  | { readonly state: "failed"; readonly trouble: Trouble };

/** Undoes a subscription. */
export type Stop = () => void;

// ---- where this page comes from, who looks at it ----

export type OriginClass = "signer" | "daily";

export interface PageOrigin {
  readonly class: OriginClass;
  /** Host and port as the address bar shows them. */
  readonly host: string;
  /** The name the authenticator's window must show. */
  readonly rpId: string;
}

/** Which of the application's faces to show. */
export type Phase =
  /** `trouble`: why it does not go on; it is tried again by itself. */
  | { readonly kind: "starting"; readonly trouble?: Trouble }
  /** No WebAuthn, an address the browser calls insecure, or no Ed25519 in WebCrypto. */
  | { readonly kind: "unsupported"; readonly reason: "no-webauthn" | "insecure-address" | "no-ed25519" }
  /** There is no root yet, or the address carries a setup link. `setup` says the rest. */
  | { readonly kind: "setup" }
  /** The address is an invitation's. `enrolment` says the rest. */
  | { readonly kind: "invitation" }
  | { readonly kind: "signed-out"; readonly why?: "asked" | "idle" | "ended" }
  | { readonly kind: "signed-in" };

/** Whether the control plane answers. While `lost`, figures stay on the page and grow old. */
export type Reach =
  | { readonly state: "ok" }
  | { readonly state: "lost"; readonly sinceAt: number; readonly retryAt: number };

export interface Person {
  readonly id: string;
  readonly name: string;
  readonly role: string;
  /** Absolute end of this session. */
  readonly sessionEndsAt: number;
}

// ---- gestures ----

/**
 * The course of a gesture that is not a command. Ends with exactly one of done, cancelled, failed. `touch` is sent
 * just before the browser opens its window; `cancelled` means the person closed it, and is no error.
 */
export type TouchStep =
  | { readonly kind: "touch"; readonly purpose: "create" | "approve" }
  | { readonly kind: "sending" }
  | { readonly kind: "done" }
  | { readonly kind: "cancelled" }
  | { readonly kind: "failed"; readonly trouble: Trouble };

// ---- first run ----

/** `absent`: there is no root and the address has no fragment. `damaged`: the fragment does not parse. */
export type LinkProblem = "absent" | "damaged" | "wrong" | "used" | "expired";
export type SetupStep = "passkey" | "sign-in" | "admit";

export interface PendingHost {
  readonly id: string;
  readonly label: string;
  /** Six words computed in this browser from host key and workspace, never received. */
  readonly words: readonly string[];
  /** The setup link carried the digest of this host's key and it matched. */
  readonly matchesLink: boolean;
}

export type SetupState =
  /** `trouble`: why it is not known yet; it is asked again by itself, because the link is good once. */
  | { readonly kind: "checking"; readonly trouble?: Trouble }
  | { readonly kind: "link"; readonly problem: LinkProblem }
  | {
      readonly kind: "step";
      readonly step: SetupStep;
      /** A touch or a request is under way; the buttons wait. */
      readonly busy: boolean;
      readonly linkEndsAt: number;
      /** What went wrong with the last try of this step; what was typed is kept. */
      readonly trouble?: Trouble;
      /** Step `admit` only; absent while the agent of this machine has not said hello. */
      readonly host?: PendingHost;
    }
  /** The page says so and moves on to the fleet. */
  | { readonly kind: "done"; readonly hostId?: string };

export interface SetupFlow {
  readonly state: ReadonlySignal<SetupState>;
  /** Each verb moves `state`; none rejects for anything a person can do something about. */
  createPasskey(name: string): Promise<void>;
  signIn(): Promise<void>;
  admit(): Promise<void>;
  /** Leaves the machine in quarantine and goes on. */
  skipAdmission(): Promise<void>;
}

// ---- hosts ----

export type Admission = "admitted" | "waiting" | "removed";

export interface HostView {
  readonly id: string;
  readonly label: string;
  readonly words: readonly string[];
  readonly admission: Admission;
  /** The agent's tunnel is open now. */
  readonly connected: boolean;
  /** Last frame of any kind; absent: never. */
  readonly lastSeenAt?: number;
  /** Runs beside the edge, so it never counts as a witness. */
  readonly colocated: boolean;
  /** Last telemetry, a claim of the gateway and the host; absent: none since the edge started. */
  readonly telemetry?: Telemetry;
  /** When the edge received that telemetry. */
  readonly telemetryAt?: number;
  /** The host has not yet confirmed the current trust head. */
  readonly trustBehind?: boolean;
  /** It was shown two histories of who may do what and obeys neither: the host's own signed word. */
  readonly frozen?: Freeze;
  /** A waiting host only: names the signed join from which label and words here were read. */
  readonly join?: string;
  /** A waiting host only: why there is no such join. It cannot be admitted, and it has no words. */
  readonly joinTrouble?: Trouble;
}

// ---- commands ----

/** The protocol's own table names them. */
export type OperationId = OperationName;
export type OperationClass = "read" | "daily" | "critical";
export type Scalar = string | number | boolean;

/** Parsed back from the exact intent bytes that will be signed; nothing here may come from anywhere else. */
export interface IntentFacts {
  readonly operation: OperationId;
  readonly class: OperationClass;
  readonly hostId: string;
  readonly args: Args;
  readonly expect: Readonly<Record<string, Scalar>>;
  readonly workspace: string;
  readonly ttlSeconds: number;
}

export interface PreparedCommand {
  readonly facts: IntentFacts;
  /** Name and words of `facts.hostId` from the verified trust log, not from the edge. */
  readonly host: { readonly label: string; readonly words: readonly string[] };
  readonly actor: { readonly name: string; readonly role: string };
  /** What the host said in its signed answer to `prepare`; claims, shown beside the bytes and never as part of them. */
  readonly hostSays: { readonly activeSessions?: number };
  /** Read back from the very bytes that were sealed for the host; absent where nothing is sealed. */
  readonly content?: unknown;
  /** The canonical bytes as text. */
  readonly exactIntent: string;
  /** SHA-256 of the intent's PAE, hex. */
  readonly digest: string;
  /** Seconds from now for which the host keeps the challenge (pressing again needs no new preparation). */
  challengeSecondsLeft(): number;
  /**
   * One press. Must be called from the click itself (user activation). Ends with receipt, refused, cancelled, or
   * `silent`; after `silent` the receipt may still follow in the same sequence. Aborting closes the authenticator's
   * window if it is still open and stops listening otherwise; it never un-sends.
   */
  approve(abort: AbortSignal): AsyncIterable<CommandStep>;
  /** Asks for the stored receipt by digest. Never runs anything, never signs. */
  askReceipt(): Promise<CommandStep>;
}

/** `afterMs`: milliseconds since the press. */
export type CommandStep =
  /** The page counts down by itself from here. */
  | { readonly kind: "authenticator"; readonly secondsLeft: number }
  | { readonly kind: "approved"; readonly afterMs: number }
  | { readonly kind: "ledgered"; readonly afterMs: number; readonly index: number }
  | { readonly kind: "dispatched"; readonly afterMs: number }
  | { readonly kind: "running"; readonly afterMs: number }
  | { readonly kind: "receipt"; readonly afterMs: number; readonly receipt: ReceiptView; readonly retry: Retry }
  /** Refused before a host signed anything: by this page, the edge, or an unsigned frame of the host. */
  | {
      readonly kind: "refused";
      readonly by: "page" | "edge" | "host";
      readonly trouble: Trouble;
      readonly retry: Retry;
    }
  | { readonly kind: "silent"; readonly afterMs: number }
  /** The person closed the authenticator. Nothing was sent. */
  | { readonly kind: "cancelled" };

/** `press`: the same challenge is still good. `prepare`: needs a new command. */
export type Retry = "press" | "prepare" | "none";

export type Verdict = "executed" | "failed" | "refused" | "interrupted";

export interface ReceiptView {
  readonly hostId: string;
  readonly hostLabel: string;
  readonly verdict: Verdict;
  /** Refusal or failure code of the host, for example `clock` or `expect`. */
  readonly code?: string;
  /** Why it failed, or what is left to do: a code of the host (protocol/outcome-words.ts). */
  readonly reason?: string;
  readonly number: number;
  readonly startedAt?: number;
  readonly endedAt?: number;
  /** Milliseconds from start to end as the host measured them, when the result says so. */
  readonly tookMs?: number;
  readonly bootBefore?: string;
  readonly bootAfter?: string;
  /** Ledger entries: acceptance and receipt. */
  readonly ledger: readonly number[];
  readonly seal: Seal;
}

// ---- ledger ----

export type * from "./ledger.ts";

// ---- passkeys ----

export interface Passkey {
  /** Credential id, base64url. */
  readonly id: string;
  readonly label?: string;
  readonly rpId: string;
  readonly originClass: OriginClass;
  readonly addedAt: number;
  /** The authenticator may copy it to other devices. */
  readonly synced: boolean;
  /** The one this session was opened with. */
  readonly current: boolean;
}

// ---- all of it ----

export interface Backend {
  readonly origin: PageOrigin;
  /** What to type beside the edge to make a join file for another machine. */
  readonly inviteCommand: string;
  /** Prints, beside the edge, the one command that makes a server a host. */
  readonly printCommand: string;
  /** Where the edge runs elsewhere, and this page is the signer's: it makes join files itself. */
  readonly hostInvites: HostInviteDesk | undefined;
  /** What to type on a machine to add it as a host. */
  readonly addHostCommand: string;
  /** Seconds, edge time. Not a signal: pages tick by themselves. */
  now(): number;

  readonly phase: ReadonlySignal<Phase>;
  readonly reach: ReadonlySignal<Reach>;
  /** Why nothing may be approved: the edge shows another past than this machine has seen. */
  readonly past: ReadonlySignal<Trouble | undefined>;
  retryNow(): void;

  readonly setup: SetupFlow;

  /** Call from the click. Resolves after `phase` has moved, or with what went wrong (`cancelled` is a code). */
  signIn(): Promise<Result<undefined>>;
  signOut(): Promise<void>;
  readonly person: ReadonlySignal<Person | undefined>;
  readonly workspace: ReadonlySignal<string | undefined>;

  readonly fleet: ReadonlySignal<Loadable<readonly HostView[]>>;
  watchFleet(): Stop;
  /** `ready` with undefined: no such host, or not for this person. The same id gives the same signal. */
  host(id: string): ReadonlySignal<Loadable<HostView | undefined>>;
  /** Opens the live socket of that host. */
  watchHost(id: string): Stop;
  /** Admits a waiting host, if its join is still the one that was `shown` (HostView.join). Call from the click. */
  admit(hostId: string, shown: string | undefined): AsyncIterable<TouchStep>;

  prepare(operation: OperationId, hostId: string, details?: OrderDetails): Promise<Result<PreparedCommand>>;
  readonly orders: Orders;
  readonly proposals: ProposalDesk;
  readonly readings: ReadingDesk;
  readonly releases: ReleaseDesk;

  readonly history: HistoryDesk;
  readonly activity: ActivityLog;
  readonly alerts: AlertDesk;
  readonly exports: ExportDesk;
  readonly streams: StreamDesk;
  readonly keeping: KeepingDesk;
  readonly networks: NetworkDesk;
  readonly edgeKeys: EdgeKeyDesk;

  /** The trust log as this browser verified it; undefined until it did. */
  readonly trust: ReadonlySignal<TrustView | undefined>;
  readonly statements: StatementDesk;
  readonly sessions: SessionDesk;
  readonly addresses: AddressDesk;
  readonly invitations: InvitationDesk;
  readonly enrolment: EnrolmentFlow;

  readonly passkeys: ReadonlySignal<Loadable<readonly Passkey[]>>;
  /** Two gestures: create the second, approve it with the first. Call from the click. */
  addPasskey(): AsyncIterable<TouchStep>;
}
