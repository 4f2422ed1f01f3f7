/**
 * What the warden may ask of a gateway, as types alone. The warden depends on this file and on nothing that can reach a
 * network: whoever builds the agent hands it an implementation.
 */

export interface RestartOutcome {
  /** The boot that was asked to restart. */
  readonly before: string;
  /** The boot that answered afterwards; undefined when none did in time. */
  readonly after: string | undefined;
}

export interface GatewayControl {
  /** The boot that answers now; undefined when none does. Also used to tell what became of an interrupted restart. */
  readonly bootId: () => Promise<string | undefined>;
  /** Names the configuration that runs now, without saying what is in it. */
  readonly configHash: () => Promise<string | undefined>;
  /** Rejects when nothing was asked of the gateway, with an error that carries a `code`. */
  readonly restart: () => Promise<RestartOutcome>;
}
