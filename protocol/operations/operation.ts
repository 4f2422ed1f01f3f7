/** What one row of the operation table says. The rows stand in the files beside this one, by what they act on. */
import * as v from "valibot";
import { tag } from "../fields.ts";
import type { Expect } from "../messages.ts";
import type { Permission } from "../roles.ts";

/** `daily`: worst case is downtime, or it only tightens. `critical`: everything that could run code or loosen. */
export type OperationClass = "daily" | "critical";

export interface Operation {
  readonly class: OperationClass;
  readonly permission: Permission;
  readonly args: v.GenericSchema;
  /**
   * What the edge may not read: canonical JSON of this schema, sealed by the page to the key of the host's `prepared`.
   * An operation with it takes one host, no proposal and no automation key.
   */
  readonly sealed?: v.GenericSchema;
  /** An intent names one host: what goes wrong goes wrong once, and is seen before the next one is asked. */
  readonly oneHost?: true;
  /** Stopping something bad must never wait for a second person. */
  readonly alwaysOnePerson?: true;
  /** Runs before everything that waits on the host, and cuts short what the running command still waits for. */
  readonly urgent?: true;
  /** A policy may let named people approve it where the edge serves the page (`execOnceFrom`). */
  readonly mayBeDaily?: true;
  /** Beside its challenge the host says which release of ours it runs. */
  readonly tellsAgent?: true;
  /** Which facts an intent must pin; the host refuses an intent without them. */
  readonly expects: readonly (keyof Expect)[];
}

export const noArguments = v.strictObject({});
/** One thing of the gateway, by the host's own short name for it (`tag`): what it is called there is nobody's business. */
export const one = v.strictObject({ subject: tag });
