/**
 * Everything a running scenario shows, in one list in the order of arrival: lines of the agent's log, frames on the
 * wire, tunnels that opened and closed. Attacks wait here for what becomes of them. Judges nothing.
 */
import type { OutwardFrame } from "../../protocol/tunnel.ts";

export type LogLine = Readonly<Record<string, string | number | boolean>>;

export type Happening =
  | { readonly kind: "log"; readonly line: LogLine }
  | { readonly kind: "frame"; readonly frame: OutwardFrame }
  | { readonly kind: "closed"; readonly code: number; readonly reason: string }
  | { readonly kind: "ended"; readonly exit: number | string };

/** Nothing honest takes this long; an attack that is answered by nothing at all is a finding. */
const PATIENCE_MILLISECONDS = 15_000;

/** A long campaign forgets its beginning; nobody waits for anything that far back. */
const KEPT = 10_000;

export class Happenings {
  readonly #items: Happening[] = [];
  readonly #waiting = new Set<() => void>();
  #forgotten = 0;
  /** Intents that an agent said it carries out, as often as it said so. */
  readonly #executed: string[] = [];

  /** Where the list ends now: what is awaited from here has not happened yet. */
  get mark(): number {
    return this.#forgotten + this.#items.length;
  }

  get executions(): number {
    return this.#executed.length;
  }

  /** Waits until the agent's log has said that it carries the intent out; false when patience ends. */
  async hasExecuted(intent: string): Promise<boolean> {
    if (this.#executed.includes(intent)) return true;
    return (await this.first(this.mark, () => (this.#executed.includes(intent) ? true : undefined))) === true;
  }

  push(item: Happening): void {
    if (item.kind === "log" && item.line["step"] === "executing") this.#executed.push(String(item.line["intent"]));
    this.#items.push(item);
    if (this.#items.length > 2 * KEPT) this.#forgotten += this.#items.splice(0, KEPT).length;
    for (const wake of this.#waiting) wake();
  }

  since(mark: number): readonly Happening[] {
    return this.#items.slice(Math.max(0, mark - this.#forgotten));
  }

  logged(mark: number, fits: (line: LogLine) => boolean): LogLine | undefined {
    for (const item of this.since(mark)) if (item.kind === "log" && fits(item.line)) return item.line;
    return undefined;
  }

  /** The first answer that `read` finds at or after `mark`; undefined when patience ends. */
  async first<T>(mark: number, read: (item: Happening) => T | undefined): Promise<T | undefined> {
    let at = mark;
    let isLate = false;
    let wake = (): void => undefined;
    const timer = setTimeout(() => {
      isLate = true;
      wake();
    }, PATIENCE_MILLISECONDS);
    try {
      for (;;) {
        while (at < this.mark) {
          const item = this.#items[at++ - this.#forgotten];
          const found = item === undefined ? undefined : read(item);
          if (found !== undefined) return found;
        }
        if (isLate) return undefined;
        await new Promise<void>((resolve) => {
          wake = () => {
            this.#waiting.delete(wake);
            resolve();
          };
          this.#waiting.add(wake);
        });
      }
    } finally {
      clearTimeout(timer);
    }
  }
}
