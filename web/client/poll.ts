/** Values that are asked for again and again while somebody looks at them. */
import type { Signal } from "@preact/signals";
import type { Loadable, Stop } from "../state/backend.ts";
import { troubleOf } from "./trouble.ts";

/** What is polled is worth seconds, not milliseconds; each look is one small answer. */
const POLL_MS = 15_000;

/** What was known stays on the page and grows old; only a first look can fail as a whole. */
export async function load<T>(into: Signal<Loadable<T>>, ask: () => Promise<T>): Promise<void> {
  try {
    into.value = { state: "ready", value: await ask() };
  } catch (error) {
    const trouble = troubleOf(error);
    if (into.value.state !== "ready") into.value = { state: "failed", trouble };
  }
}

/** Asks again and again while anybody watches; a hidden page waits until somebody sees it. */
export class Poll {
  readonly #look: () => Promise<void>;
  #watchers = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(look: () => Promise<void>) {
    this.#look = look;
  }

  watch(): Stop {
    this.#watchers += 1;
    if (this.#watchers === 1) void this.#again();
    return () => {
      this.#watchers -= 1;
      if (this.#watchers === 0) clearTimeout(this.#timer);
    };
  }

  async #again(): Promise<void> {
    if (!document.hidden) await this.#look();
    clearTimeout(this.#timer);
    if (this.#watchers > 0) this.#timer = setTimeout(() => void this.#again(), POLL_MS);
  }
}
