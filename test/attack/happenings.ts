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

export class Happenings {
  readonly #items: Happening[] = [];
  readonly #waiting = new Set<() => void>();

  /** Where the list ends now: what is awaited from here has not happened yet. */
  get mark(): number {
    return this.#items.length;
  }

  push(item: Happening): void {
    this.#items.push(item);
    for (const wake of this.#waiting) wake();
  }

  since(mark: number): readonly Happening[] {
    return this.#items.slice(mark);
  }

  logged(mark: number, fits: (line: LogLine) => boolean): LogLine | undefined {
    for (const item of this.#items.slice(mark)) if (item.kind === "log" && fits(item.line)) return item.line;
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
        while (at < this.#items.length) {
          const item = this.#items[at++];
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
