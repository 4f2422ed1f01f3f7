/** From where the doors answer, and who is banned, as pages ask for it. */
import type { ReadonlySignal } from "@preact/signals";
import type { NetworkChange, Networks } from "../../protocol/contracts/networks.ts";
import type { Loadable, TouchStep } from "./backend.ts";

export interface NetworkDesk {
  readonly networks: ReadonlySignal<Loadable<Networks>>;
  /** This person may see and change them. */
  readonly mayChange: ReadonlySignal<boolean>;
  load(): Promise<void>;
  /** One touch over exactly this change. Call from the click. */
  change(change: NetworkChange): AsyncIterable<TouchStep>;
}
