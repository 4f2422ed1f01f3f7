/** Open sign-ins as the pages show them. May not: say whose a session is unless its own sign-in proved it here. */
import type { ReadonlySignal } from "@preact/signals";
import type { Loadable, OriginClass, Trouble } from "./backend.ts";

export interface SessionView {
  readonly id: string;
  /** From the sign-in's own touch, verified in this browser. Absent: it does not verify, so it is nobody's. */
  readonly proof?: { readonly person: string; readonly originClass: OriginClass };
  /** As the control plane says it. */
  readonly device: string;
  readonly origin: string;
  readonly place?: string;
  readonly startedAt: number;
  readonly lastSeenAt: number;
  readonly endsAt: number;
  /** The one of this page. */
  readonly current: boolean;
}

export type SessionStep =
  | { readonly kind: "touch" }
  | { readonly kind: "sending" }
  | { readonly kind: "done" }
  | { readonly kind: "cancelled" }
  | { readonly kind: "failed"; readonly trouble: Trouble };

export interface SessionDesk {
  readonly list: ReadonlySignal<Loadable<readonly SessionView[]>>;
  load(): Promise<void>;
  /**
   * This page's own, alone, ends without a touch, by its own key; others, all of one person, end with one touch together.
   * Call from the click.
   */
  end(ids: readonly string[]): AsyncIterable<SessionStep>;
}
