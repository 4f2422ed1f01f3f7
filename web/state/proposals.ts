/**
 * Commands that several people must approve, as pages see them: decoded from the exact bytes that the first person
 * signed, with touches that this browser verified itself.
 * May not: import DOM, fetch or crypto.
 */
import type { ReadonlySignal } from "@preact/signals";
import type { Loadable, OperationClass, OperationId, OriginClass, Result, Scalar, Stop, Trouble } from "./backend.ts";
import type { Args, AskedHosts, NamedHost, Order } from "./orders.ts";

export interface ProposedTarget {
  readonly host: NamedHost;
  readonly expect: Readonly<Record<string, Scalar>>;
}

/** Parsed back from the exact bytes; nothing here may come from anywhere else, except the hosts' names (trust log). */
export interface ProposalFacts {
  readonly operation: OperationId;
  readonly class: OperationClass;
  readonly args: Args;
  readonly targets: readonly ProposedTarget[];
  readonly workspace: string;
  /** End of waiting, by each host's clock. */
  readonly endsAt: number;
  readonly exact: string;
  /** base64url. */
  readonly digest: string;
}

/** A touch over the proposal that this browser verified. */
export interface ProposalApproval {
  readonly person: string;
  readonly name: string;
  /** The page's clock at the touch, a claim. */
  readonly at: number;
  readonly originClass: OriginClass;
}

/** What this person can do about it, here and now. */
export type Standing =
  /** One more approval; `missing` further people are needed after it. */
  | { readonly kind: "join"; readonly missing: number }
  /** The last one: approving carries it out. */
  | { readonly kind: "carry-out" }
  /** This person approved it; `missing` further people are needed. */
  | { readonly kind: "waits"; readonly missing: number }
  /** Somebody else must do it, and why. */
  | { readonly kind: "not-you"; readonly trouble: Trouble }
  /** Nobody can carry it out any more. */
  | { readonly kind: "over"; readonly trouble: Trouble };

export interface WaitingCommand {
  readonly facts: ProposalFacts;
  readonly approvals: readonly ProposalApproval[];
  readonly people: number;
  readonly by: { readonly person: string; readonly name: string };
  readonly madeAt: number;
  /** This person made it, so may take it back. */
  readonly mine: boolean;
  /** An administrator may take back what others made. */
  readonly mayWithdraw: boolean;
  readonly standing: Standing;
}

/** Bytes built and read back, before anybody touches anything. */
export interface ProposalDraft {
  readonly facts: ProposalFacts;
  readonly people: number;
  readonly others: readonly string[];
  readonly actor: { readonly name: string; readonly role: string };
  /** One press, from the click itself. */
  approve(abort: AbortSignal): AsyncIterable<ProposalStep>;
}

export type ProposalStep =
  | { readonly kind: "touch" }
  | { readonly kind: "sending" }
  | { readonly kind: "done" }
  | { readonly kind: "cancelled" }
  | { readonly kind: "failed"; readonly trouble: Trouble };

export interface ProposalDesk {
  readonly waiting: ReadonlySignal<Loadable<readonly WaitingCommand[]>>;
  /** Waiting for this very person: what the badge counts. */
  readonly forMe: ReadonlySignal<number>;
  watch(): Stop;
  load(): Promise<void>;
  /** Asks hosts only for what the operation must pin. */
  draft(order: Order): Promise<Result<ProposalDraft>>;
  /** One more approval of exactly these bytes. */
  join(digest: string, abort: AbortSignal): AsyncIterable<ProposalStep>;
  /** The last person: fresh challenges of every host for exactly what was approved. */
  carryOut(digest: string): Promise<Result<AskedHosts>>;
  withdraw(digest: string): Promise<Result<undefined>>;
}
