/** What pages know of releases of the agent: which one was signed, and whether a first host runs it well. */
import type { ReadonlySignal } from "@preact/signals";
import type { Loadable, Result } from "./backend.ts";

export interface KnownRelease {
  readonly version: string;
  /** Of the archive, lower-case hex. */
  readonly sha256: string;
  /** The key that signed it, base64url. Each host holds it against the one that it was installed with. */
  readonly key: string;
}

/** What a host said of itself under its own key. */
export interface CanaryAnswer {
  readonly version: string | undefined;
  /** Since when an update to it was found well; that host's clock. */
  readonly since: number | undefined;
  /** That host's clock, at the answer. */
  readonly now: number;
  /** Arguments by which other hosts judge it. */
  readonly proof: { readonly canary: string; readonly canarySignature: string };
}

export interface ReleaseDesk {
  /** `ready` with undefined: nobody signed a release here. */
  readonly known: ReadonlySignal<Loadable<KnownRelease | undefined>>;
  /** Asks once; never rejects. */
  look(): void;
  /** Nothing is changed by asking. */
  askCanary(hostId: string): Promise<Result<CanaryAnswer>>;
}
