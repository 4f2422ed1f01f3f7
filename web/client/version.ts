/**
 * Whether this address serves another version than the one that runs here: the name of the first script holds the hash
 * of its content. What it says decides nothing but a sentence and a button: who serves the pages could say anything.
 */
import { signal, type ReadonlySignal } from "@preact/signals";
import type { VersionWatch } from "../state/version.ts";

const FIRST_SCRIPT = /<script type="module" src="(\/app-[A-Z2-7]{8}\.js)"/;
/** A page that comes back into view is asked for at most this often. */
const LOOK_AGAIN_MS = 300_000;

export interface VersionDeps {
  readonly view: Window;
  /** Turns true when the control plane answers again: it may have been stopped for an update. */
  readonly answers: ReadonlySignal<boolean>;
}

export function watchVersion({ view, answers }: VersionDeps): VersionWatch {
  const newer = signal(false);
  const own = view.document.querySelector('script[type="module"]')?.getAttribute("src");
  let lookedAt = view.performance.now();
  const look = async () => {
    lookedAt = view.performance.now();
    const served = await servedScript(view);
    if (served !== undefined && served !== own) newer.value = true;
  };
  view.document.addEventListener("visibilitychange", () => {
    if (!view.document.hidden && view.performance.now() - lookedAt > LOOK_AGAIN_MS) void look();
  });
  let answered = answers.peek();
  answers.subscribe((now) => {
    if (now && !answered) void look();
    answered = now;
  });
  return { newer, look, reload: () => view.location.reload() };
}

/** Undefined when the address does not answer with the dashboard: then nothing is known. */
async function servedScript(view: Window): Promise<string | undefined> {
  try {
    const answer = await view.fetch("/", { cache: "no-store", redirect: "error", headers: { accept: "text/html" } });
    return answer.ok ? FIRST_SCRIPT.exec(await answer.text())?.[1] : undefined;
  } catch {
    return undefined; // not reached; the banner about the control plane says so
  }
}
