/**
 * What the warden may ask of a gateway, as types alone. The warden depends on this file and on nothing that can reach a
 * network: whoever builds the agent hands it an implementation.
 */
import type { Expect, Observed } from "../../../protocol/messages.ts";
import type { OperationName } from "../../../protocol/operations.ts";
import type { ReadName } from "../../../protocol/reads.ts";

export interface RestartOutcome {
  /** The boot that was asked to restart. */
  readonly before: string;
  /** The boot that answered afterwards; undefined when none did in time. */
  readonly after: string | undefined;
}

/** The operations that act on the gateway; the others are the warden's own. */
export type GatewayOperationName = Exclude<
  OperationName,
  | `host.${string}`
  | `posture.${string}`
  | `profile.${string}`
  | "content.read@1"
  | "gateway.restart@1"
  | "gateway.isolate@1"
  | "agent.update@1"
  | "agent.update-rest@1"
>;
/** The questions that the gateway answers; the others are about the machine. */
export type GatewayReadName = Exclude<ReadName, `posture.${string}`>;

/** A command that went through verification, as far as it concerns the gateway. */
export interface GatewayOrder {
  readonly operation: GatewayOperationName;
  /** Fits the operation's `args`. */
  readonly args: Readonly<Record<string, unknown>>;
  /** The opened sealed arguments; fits the operation's `sealed`. Undefined where it has none. */
  readonly content: unknown;
  /** Digest of the intent: names versions, and keeps a second try from doing things twice. */
  readonly intent: string;
  /** Random id of the person, or of the automation key. */
  readonly author: string;
  /** What the intent pinned; compared once more just before the gateway is told. */
  readonly expect: Expect;
}

export interface Performed {
  readonly verdict: "executed" | "failed";
  /** With `reason` when it failed: a code of this program, never text of the gateway. */
  readonly observed: Observed;
}

export interface GatewayControl {
  /** The boot that answers now; undefined when none does. Also used to tell what became of an interrupted restart. */
  readonly bootId: () => Promise<string | undefined>;
  /** Names the configuration that runs now, without saying what is in it. */
  readonly configHash: () => Promise<string | undefined>;
  /** Rejects when nothing was asked of the gateway, with an error that carries a `code`. */
  readonly restart: () => Promise<RestartOutcome>;
  /** The facts that an intent of this operation may pin, seen now. Never rejects: what cannot be seen is left out. */
  readonly observe: (operation: GatewayOperationName, args: Readonly<Record<string, unknown>>) => Promise<Expect>;
  /** Acts. Never rejects for what the gateway does; rejects for a programmer's mistake. */
  readonly perform: (order: GatewayOrder) => Promise<Performed>;
  /** What runs now stops waiting for effects and tells what it has seen; what runs next waits as usual. */
  readonly hurry: () => void;
}

/** Answers the questions of verified reads. */
export interface GatewayReadings {
  /** Fits the read's `result`. @throws {ReadingError} with the code that the reader is told */
  readonly read: (operation: GatewayReadName, args: Readonly<Record<string, unknown>>) => Promise<unknown>;
}
