/** How long the log is kept, and erasing personal values from it, as pages ask for them. */
import type { ReadonlySignal } from "@preact/signals";
import type { Retention, RetentionChange } from "../../protocol/contracts/ledger.ts";
import type { Erasable } from "../../protocol/ledger.ts";
import type { Loadable, TouchStep } from "./backend.ts";

export interface KeepingDesk {
  readonly retention: ReadonlySignal<Loadable<Retention>>;
  /** This person may change what is kept, and erase. */
  readonly mayChange: ReadonlySignal<boolean>;
  load(): Promise<void>;
  /** One touch over exactly this change. Call from the click. */
  change(change: RetentionChange): AsyncIterable<TouchStep>;
  /** A personal value goes for ever; that it was erased stays. Call from the click. */
  erase(what: Erasable): AsyncIterable<TouchStep>;
}
