/** Join files, made by a page of the signer for an edge that runs elsewhere. */
import type { ReadonlySignal } from "@preact/signals";
import type { TouchStep } from "./backend.ts";

export interface HostInviteDesk {
  /** This person may admit hosts, and so ask them. */
  readonly mayMake: ReadonlySignal<boolean>;
  /** One touch; then the file, which works once and for a while. Call from the click. */
  make(onFile: (file: Blob) => void): AsyncIterable<TouchStep>;
}
