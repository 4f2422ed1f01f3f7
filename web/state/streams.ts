/**
 * Far ends that follow the log live, as pages show them. May not: hold an address or a secret beyond what the person just
 * typed; the edge never tells them again.
 */
import type { ReadonlySignal } from "@preact/signals";
import type { DeliveryFault } from "../../protocol/alerts.ts";
import type { StreamChange, StreamRow } from "../../protocol/contracts/streams.ts";
import type { Loadable, Result, Stop, TouchStep } from "./backend.ts";

export interface StreamView extends StreamRow {
  /** Entries that have not arrived yet, those of no interest to this far end included. */
  readonly behind: number;
}

export interface StreamDesk {
  /** Oldest first. */
  readonly list: ReadonlySignal<Loadable<readonly StreamView[]>>;
  /** This person may see and change them. */
  readonly mayConfigure: ReadonlySignal<boolean>;

  /** Keeps the list new while somebody looks at it. */
  watch(): Stop;
  /** One touch over exactly this change. Call from the click. */
  change(change: StreamChange): AsyncIterable<TouchStep>;
  /** Sends one fixed sentence now; the value says why it did not arrive, if so. */
  sendTest(stream: string): Promise<Result<DeliveryFault | undefined>>;
  /** Everything that was set aside is sent again, before anything new. */
  replay(stream: string): Promise<Result<undefined>>;
  /** A secret for a stream, made here: `whsec_` and 32 random bytes. */
  freshSecret(): string;
}
