/** What pages know of versions: whether a newer one than this is served, and how to get it. */
import type { ReadonlySignal } from "@preact/signals";

export interface VersionWatch {
  readonly newer: ReadonlySignal<boolean>;
  /** Asks now; never rejects. */
  look(): Promise<void>;
  reload(): void;
}
