/**
 * Requests that handed in a command and wait a moment for what becomes of it, so that a quick command needs no second
 * question. In memory only: when this object dies the request dies with it, and the page asks by digest.
 */

/** A restart takes seconds and is watched on the live socket; what is quick is over long before, also across an ocean. */
const ANSWER_MILLISECONDS = 500;

export class Answers {
  readonly #waiting = new Map<string, Set<() => void>>();

  /** True while a request waits: the host was found admitted for it, by the state that the request is judged by. */
  get isAwaited(): boolean {
    return this.#waiting.size > 0;
  }

  /** Resolves when the command has its answer, nobody can answer any more, or the moment is over; never rejects. */
  wait(intent: string): Promise<void> {
    return new Promise((resolve) => {
      const waiting = this.#waiting.get(intent) ?? new Set();
      const settle = (): void => {
        clearTimeout(timer);
        waiting.delete(settle);
        if (waiting.size === 0 && this.#waiting.get(intent) === waiting) this.#waiting.delete(intent);
        resolve();
      };
      const timer = setTimeout(settle, ANSWER_MILLISECONDS);
      waiting.add(settle);
      this.#waiting.set(intent, waiting);
    });
  }

  settle(intent: string): void {
    for (const settle of this.#waiting.get(intent) ?? []) settle();
  }

  /** The tunnel is gone, or what the requests were judged by is. */
  settleAll(): void {
    for (const intent of this.#waiting.keys()) this.settle(intent);
  }
}
