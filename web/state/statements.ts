/**
 * Changes of the trust log as the pages ask for them: exact bytes first, then one touch, then either the log has it or
 * it waits for the next person. One gesture for every kind of statement.
 * May not: import DOM, fetch or crypto.
 */
import type { ReadonlySignal } from "@preact/signals";
import type { BodyOf, Statement, StatementKind } from "../../protocol/trust/statements.ts";
import type { Loadable, Result, Stop, Trouble } from "./backend.ts";

export type StatementDraft = {
  readonly [K in StatementKind]: { readonly kind: K; readonly body: BodyOf<K> };
}[StatementKind];

/** What a touch leads to, known before it. */
export type Outcome =
  /** The log has it at once. */
  | "stated"
  /** It waits for more people. */
  | "proposed"
  /** It waited, and still does. */
  | "joined";

/**
 * The administrators that a revocation leaves, where the strictest rule asks for more people: then nothing but
 * revocations can be stated any more, because even adding somebody takes as many as that rule says.
 */
export interface TooFew {
  readonly administrators: number;
  readonly people: number;
}

export interface PreparedStatement {
  /** Parsed back from the exact bytes that will be signed. */
  readonly statement: Statement;
  /** Those bytes as text. */
  readonly exact: string;
  /** base64url, of the statement. */
  readonly digest: string;
  /** Different people that must approve it. */
  readonly people: number;
  /** Who did, each touch verified in this browser. */
  readonly approvedBy: readonly string[];
  readonly outcome: Outcome;
  readonly leaves?: TooFew;
  /** One press, from the click itself. */
  approve(): AsyncIterable<StatementStep>;
}

export type StatementStep =
  | { readonly kind: "touch" }
  | { readonly kind: "sending" }
  | { readonly kind: "done"; readonly outcome: Outcome }
  | { readonly kind: "cancelled" }
  | { readonly kind: "failed"; readonly trouble: Trouble };

/** A statement that waits for more people; decoded from the bytes that the first of them signed. */
export interface WaitingStatement {
  readonly digest: string;
  readonly statement: Statement;
  readonly people: number;
  readonly approvedBy: readonly string[];
  readonly by: string;
  readonly madeAt: number;
  readonly expires: number;
  /** This person approved it already, or made it. */
  readonly mine: boolean;
  /** Why it can no longer be completed. */
  readonly trouble?: Trouble;
}

/** The whole verified log, for `clawhold trust import` on a host that was not told. */
export interface LogFile {
  readonly name: string;
  readonly text: string;
}

export interface StatementDesk {
  /** Undefined before the log was verified. */
  logFile(): LogFile | undefined;
  readonly waiting: ReadonlySignal<Loadable<readonly WaitingStatement[]>>;
  /** Waiting for this very person: what the badge counts. */
  readonly forMe: ReadonlySignal<number>;
  loadWaiting(): Promise<void>;
  /** Keeps the list new while somebody may see the count of it. */
  watch(): Stop;
  /** Builds the bytes and judges them. Signs nothing. */
  prepare(draft: StatementDraft): Promise<Result<PreparedStatement>>;
  /** The same for one that waits: exactly the bytes that the first person signed. */
  review(digest: string): Promise<Result<PreparedStatement>>;
  /** A random id for somebody new; the log carries no names. */
  freshPersonId(): string;
  withdraw(digest: string): Promise<Result<undefined>>;
}
