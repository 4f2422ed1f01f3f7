/**
 * The one lane in which commands run, strictly one after the other. What waits in it belongs to the tunnel that brought it
 * and goes when that closes: the edge delivers it again on the next one, and a peer that comes and goes piles nothing up.
 */

interface Waiting {
  /** The tunnel; undefined for work of our own. */
  readonly owner: object | undefined;
  readonly run: () => Promise<void>;
}

export class Lane {
  readonly #onFault: (error: unknown) => void;
  #waiting: Waiting[] = [];
  #running: Promise<void> | undefined;

  constructor(onFault: (error: unknown) => void) {
    this.#onFault = onFault;
  }

  /** What is running or waiting for the owner. */
  get length(): number {
    return this.#waiting.length + (this.#running === undefined ? 0 : 1);
  }

  push(owner: object | undefined, run: () => Promise<void>): void {
    this.#add("push", { owner, run });
  }

  /** Before all that waits. */
  pushFirst(owner: object | undefined, run: () => Promise<void>): void {
    this.#add("unshift", { owner, run });
  }

  #add(where: "push" | "unshift", waiting: Waiting): void {
    this.#waiting[where](waiting);
    this.#running ??= this.#drain();
  }

  /** What runs goes on. */
  forget(owner: object): void {
    this.#waiting = this.#waiting.filter((one) => one.owner !== owner);
  }

  /** Resolves when nothing runs or waits. */
  async idle(): Promise<void> {
    await this.#running;
  }

  async #drain(): Promise<void> {
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      try {
        await next.run();
      } catch (error) {
        this.#onFault(error);
      }
    }
    this.#running = undefined;
  }
}
