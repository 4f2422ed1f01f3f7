/**
 * What every component may ask for, handed down once: the backend, the router, the ticking clock, the theme.
 * May not: hold state of a page.
 */
import { createContext } from "preact";
import { useContext } from "preact/hooks";
import { signal } from "@preact/signals";
import type { ReadonlySignal, Signal } from "@preact/signals";
import type { Backend, Stop } from "./backend.ts";
import type { Router } from "../router.ts";
import type { Theme } from "./theme.ts";
import type { VersionWatch } from "./version.ts";

export interface App {
  readonly backend: Backend;
  readonly router: Router;
  readonly theme: Theme;
  readonly version: VersionWatch;
  /** `backend.now()`, once a second while somebody can see it. */
  readonly now: ReadonlySignal<number>;
  /** Exact times instead of relative ones. */
  readonly exactTimes: Signal<boolean>;
}

export const AppContext = createContext<App | undefined>(undefined);

export function useApp(): App {
  const app = useContext(AppContext);
  if (app === undefined) throw new TypeError("useApp needs AppContext above it");
  return app;
}

/** A hidden page does not tick: nobody reads it, and a laptop battery does. */
export function startTicking(
  backend: Pick<Backend, "now" | "phase">,
  view: Window,
): { now: ReadonlySignal<number>; stop: Stop } {
  const now = signal(backend.now());
  const tick = () => {
    if (!view.document.hidden) now.value = backend.now();
  };
  const timer = view.setInterval(tick, 1_000);
  // The edge's time comes with the first answer, and the pages with it: without this every age reads "just now" at first.
  const unsubscribe = backend.phase.subscribe(tick);
  view.document.addEventListener("visibilitychange", tick);
  return {
    now,
    stop() {
      unsubscribe();
      view.clearInterval(timer);
      view.document.removeEventListener("visibilitychange", tick);
    },
  };
}
