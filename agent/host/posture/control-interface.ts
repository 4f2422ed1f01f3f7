/**
 * What the warden may ask about the posture of this host, as types alone: it depends on this file and on nothing that can reach a
 * network or write to the machine. Whoever builds the agent hands it an implementation.
 */
import type { Expect } from "../../../protocol/messages.ts";
import type { OperationName } from "../../../protocol/operations.ts";
import type { LookAnswer, LookRefusal } from "../../../protocol/posture/outside.ts";
import type { ReadName } from "../../../protocol/reads.ts";
import type { Performed } from "../gateway/control-interface.ts";

export type PostureOperationName = Extract<
  OperationName,
  `posture.${string}` | `profile.${string}` | "gateway.isolate@1"
>;
export type PostureReadName = Extract<ReadName, `posture.${string}`>;

/** A command that went through verification, as far as it concerns posture. */
export interface PostureOrder {
  readonly operation: PostureOperationName;
  /** Fits the operation's `args`. */
  readonly args: Readonly<Record<string, unknown>>;
  /** The opened sealed arguments; fits the operation's `sealed`. Undefined where it has none. */
  readonly content: unknown;
  /** Random id of the person, or of the automation key. */
  readonly author: string;
  /** `subject`: digest of the plan as it was shown. Compared by whoever applies it, under the lock that nothing else applies in. */
  readonly expect: Expect;
  /** Lets the edge knock from outside, for this very command. Never rejects for what an edge does. */
  readonly lookOutside: (ports: readonly number[]) => Promise<LookOutcome>;
}

/** What came of a look: what the edge saw, or why there is nothing, as a code. */
export type LookOutcome =
  | Extract<LookAnswer, { kind: "seen" }>
  | { readonly kind: "refused"; readonly code: LookFailure };
export type LookFailure = LookRefusal | "look_silent" | "look_untrue" | "look_cut";

export interface PostureControl {
  /** Acts. Never rejects for what the machine does; rejects for a programmer's mistake. */
  readonly perform: (order: PostureOrder) => Promise<Performed>;
  /** Fits the read's `result`. `content`: opened, where the read seals something. @throws {ReadingError} with the code that the reader is told */
  readonly read: (
    operation: PostureReadName,
    args: Readonly<Record<string, unknown>>,
    content?: unknown,
  ) => Promise<unknown>;
}

export function isPostureOperation(operation: OperationName): operation is PostureOperationName {
  return ["posture.", "profile.", "gateway.isolate@"].some((start) => operation.startsWith(start));
}

export function isPostureRead(operation: ReadName): operation is PostureReadName {
  return operation.startsWith("posture.");
}
