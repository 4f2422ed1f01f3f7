/**
 * What the warden may ask about the agent's own program, as types alone. Whoever builds the agent of an installed host hands it
 * an implementation; any other agent is brought to a newer version by whoever started it.
 */

export interface UpdateOrder {
  readonly version: string;
  /** Of the archive, lower-case hex. */
  readonly sha256: string;
}

export type UpdateRefusal =
  | "no_release_key"
  | "release_older"
  | "release_unreachable"
  | "release_sum"
  | "release_signature"
  | "update_running"
  | "update_not_started";

export interface AgentStanding {
  readonly version: string;
  /** When an update to this very version was found well, host wall clock, seconds; absent where it came by hand. */
  readonly since?: number;
}

export interface AgentUpdates {
  /** Which release runs here; undefined for a build that is no release. */
  readonly standing: () => AgentStanding | undefined;
  /**
   * Has the archive fetched, holds it against the order and against the release key, and begins the change. Undefined when that
   * has begun: it ends this process, and the version that the host reports then says how it went.
   */
  readonly begin: (order: UpdateOrder) => Promise<UpdateRefusal | undefined>;
}
