/**
 * What somebody wants done on one or several hosts, and how it goes: the types that pages and dialogs share with whoever
 * carries it out. Facts are read back from the exact bytes that are signed; outcomes are each host's own.
 * May not: hold a sentence of a page, or decide anything.
 */
import type { OperationClass, OperationId, ReceiptView, Result, Retry, Scalar, Trouble } from "./backend.ts";

export type Args = Readonly<Record<string, Scalar | readonly Scalar[]>>;

/** What a reading of the host showed and the host must still see when it acts. `subject`: the item's own digest. */
export interface PinnedFacts {
  readonly subject?: string | undefined;
  readonly configHash?: string | undefined;
}

/** What an order is about beside operation and hosts. */
export interface OrderDetails {
  readonly args: Args;
  readonly expect?: PinnedFacts | undefined;
  /** Sealed for the one host; fits the operation's `sealed` schema. The edge sees its size. */
  readonly content?: unknown;
}

export interface Order extends OrderDetails {
  readonly operation: OperationId;
  readonly hostIds: readonly string[];
}

/** How an order can be made by this person, on this page, now. */
export type Plan =
  | { readonly kind: "alone" }
  /** A rule asks for `people`; `others` are the names of those who could be among them beside this person. */
  | { readonly kind: "together"; readonly people: number; readonly others: readonly string[] }
  /** Refused before anything is signed. */
  | { readonly kind: "not-now"; readonly trouble: Trouble };

/** Label and words from the verified trust log. */
export interface NamedHost {
  readonly id: string;
  readonly label: string;
  readonly words: readonly string[];
}

export interface UnaskedHost extends NamedHost {
  readonly trouble: Trouble;
}

/** Every host was asked for a challenge; those that gave none are named with the reason. */
export interface AskedHosts {
  readonly answered: readonly NamedHost[];
  readonly unanswered: readonly UnaskedHost[];
  /** False for what several people approved: it is carried out on exactly its hosts, or not at all. */
  readonly mayLeaveOut: boolean;
  /** Asks those once more that gave no answer. */
  askAgain(): Promise<AskedHosts>;
  /** Builds the command for those that answered. Needs at least one. */
  command(): PreparedOrder;
}

export interface IntendedTarget {
  readonly hostId: string;
  readonly expect: Readonly<Record<string, Scalar>>;
}

/** Parsed back from the exact intent bytes that will be signed; nothing here may come from anywhere else. */
export interface OrderFacts {
  readonly operation: OperationId;
  readonly class: OperationClass;
  readonly args: Args;
  readonly targets: readonly IntendedTarget[];
  readonly workspace: string;
  readonly ttlSeconds: number;
  /** Names what the people before approved. */
  readonly proposal?: string;
}

export interface PreparedOrder {
  readonly facts: OrderFacts;
  /** Of each target of `facts`, from the verified trust log. */
  readonly hosts: readonly NamedHost[];
  readonly actor: { readonly name: string; readonly role: string };
  /** Sum of what the hosts claim in their signed answers. */
  readonly activeSessions?: number;
  /** Who approved before, where more than one person must. */
  readonly approvedBefore: readonly string[];
  readonly exactIntent: string;
  readonly digest: string;
  challengeSecondsLeft(): number;
  /** One press for all targets. Must be called from the click itself. Ends after the last host's outcome. */
  approve(abort: AbortSignal): AsyncIterable<OrderStep>;
  /** Asks for stored receipts by digest. Never runs anything, never signs. */
  askReceipts(hostIds: readonly string[]): Promise<readonly HostOutcomeStep[]>;
}

export type HostOutcome =
  /** The edge keeps it until the host is there. */
  | { readonly kind: "queued" }
  | { readonly kind: "delivered" }
  | { readonly kind: "silent" }
  | { readonly kind: "receipt"; readonly receipt: ReceiptView }
  | { readonly kind: "refused"; readonly by: "page" | "edge" | "host"; readonly trouble: Trouble };

export interface HostOutcomeStep {
  readonly kind: "outcome";
  readonly hostId: string;
  readonly outcome: HostOutcome;
}

export type OrderStep =
  | { readonly kind: "authenticator"; readonly secondsLeft: number }
  | { readonly kind: "approved" }
  | HostOutcomeStep
  /** The whole of it was refused; no host saw it. */
  | { readonly kind: "refused"; readonly by: "page" | "edge"; readonly trouble: Trouble; readonly retry: Retry }
  | { readonly kind: "cancelled" };

export interface Orders {
  plan(order: Order): Plan;
  /** Asks every host of the order, all at once. */
  ask(order: Order): Promise<Result<AskedHosts>>;
}
