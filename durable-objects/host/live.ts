/**
 * What pages see of a host as it happens: its row, and what becomes of commands. However much a host says, its row is
 * pushed at most a few times a second, and only the newest: a page that reads slowly is not sent every step.
 */
import type { HostRow } from "../../protocol/contracts.ts";
import { edgeSeconds } from "../clock.ts";
import { logFault } from "../log.ts";
import type { Pages } from "./pages.ts";
import { statusOf, type HostStore } from "./store.ts";

/** Four pictures a second look immediate to a person. */
const PAUSE_MILLISECONDS = 250;

export interface LiveDeps {
  readonly store: HostStore;
  readonly pages: Pages;
  readonly row: () => Promise<HostRow | undefined>;
}

export class Live {
  readonly #deps: LiveDeps;
  /** In memory only: an object that dies in a pause pushes nothing, and pages ask anew when they come back. */
  #pause: ReturnType<typeof setTimeout> | undefined;
  #isWanted = false;

  constructor(deps: LiveDeps) {
    this.#deps = deps;
  }

  /** At once, or a moment later with whatever is true then. */
  pushRow(): Promise<void> {
    if (this.#deps.pages.isEmpty) return Promise.resolve();
    if (this.#pause !== undefined) {
      this.#isWanted = true;
      return Promise.resolve();
    }
    this.#pause = setTimeout(() => this.#resume(), PAUSE_MILLISECONDS);
    return this.#pushNow();
  }

  pushCommand(intent: string): void {
    const { pages, store } = this.#deps;
    const command = pages.isEmpty ? undefined : store.command(intent);
    if (command === undefined) return;
    const status = statusOf(command, store.requireIdentity().host);
    pages.push({ kind: "command", status }, edgeSeconds());
  }

  #resume(): void {
    this.#pause = undefined;
    if (!this.#isWanted) return;
    this.#isWanted = false;
    this.pushRow().catch((error: unknown) => logFault("live", error)); // nobody waits for this one
  }

  async #pushNow(): Promise<void> {
    const row = await this.#deps.row();
    if (row !== undefined) this.#deps.pages.push({ kind: "host", row, now: edgeSeconds() }, edgeSeconds());
  }
}
