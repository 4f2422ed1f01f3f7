/** Puts the application on the page, given a backend. The product and the test pages start the same way. */
import { render } from "preact";
import { signal } from "@preact/signals";
import { Root } from "./app.tsx";
import { createRouter } from "./router.ts";
import { startTicking } from "./state/app.ts";
import type { Backend } from "./state/backend.ts";
import { createTheme } from "./state/theme.ts";

export function start(backend: Backend, view: Window): void {
  const place = view.document.getElementById("app");
  if (place === null) throw new TypeError("index.html has no #app");
  const app = {
    backend,
    router: createRouter(view),
    theme: createTheme(view),
    now: startTicking(backend, view).now,
    exactTimes: signal(false),
  };
  render(<Root app={app} />, place);
}
