/** Puts the application on the page, given a backend. The product and the test pages start the same way. */
import { render } from "preact";
import { computed, signal } from "@preact/signals";
import { Root } from "./app.tsx";
import { watchVersion } from "./client/version.ts";
import { fetchPage, type Pages } from "./lazy-pages.tsx";
import { createRouter, linkedRoute } from "./router.ts";
import { startTicking } from "./state/app.ts";
import type { Backend } from "./state/backend.ts";
import { createTheme } from "./state/theme.ts";

export interface Start {
  readonly backend: Backend;
  readonly pages: Pages;
  readonly view: Window;
}

export function start({ backend, pages, view }: Start): void {
  const place = view.document.getElementById("app");
  if (place === null) throw new TypeError("index.html has no #app");
  const app = {
    backend,
    router: createRouter(view),
    theme: createTheme(view),
    version: watchVersion({ view, answers: computed(() => backend.reach.value.state === "ok") }),
    now: startTicking(backend, view).now,
    exactTimes: signal(false),
  };
  fetchAhead(pages, view);
  place.replaceChildren(); // the sentence for a script that did not arrive
  render(<Root app={app} pages={pages} />, place);
}

/** A page is fetched when its link is pointed at or focused: it is there when the link is pressed. */
function fetchAhead(pages: Pages, view: Window): void {
  const onIntent = ({ target }: Event) => {
    const route = linkedRoute(target, view.location.origin);
    if (route !== undefined) void fetchPage(pages, route.page);
  };
  view.document.addEventListener("pointerover", onIntent);
  view.document.addEventListener("focusin", onIntent);
}
