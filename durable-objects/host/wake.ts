/**
 * The one alarm of a host's object: the promise that what is on disk and unfinished will be looked at, whatever becomes of
 * this process. An alarm that is due soon enough is left alone: each new one is a write of its own.
 */

/** The first look after a death of the process. */
const SOON_SECONDS = 2;

export class Wake {
  readonly #storage: Pick<DurableObjectStorage, "setAlarm">;
  /** In memory only, edge clock in milliseconds: a new object sets its own. */
  #at: number | undefined;

  constructor(storage: Pick<DurableObjectStorage, "setAlarm">) {
    this.#storage = storage;
  }

  /** Call in the turn that wrote the row: a new alarm commits with it, an earlier one was committed before. */
  soon(): void {
    const now = Date.now();
    const isSoon = this.#at !== undefined && this.#at > now && this.#at <= now + SOON_SECONDS * 1_000;
    if (!isSoon) this.#set(SOON_SECONDS);
  }

  /** Not before: what failed is not tried at once. */
  in(waitSeconds: number): void {
    this.#set(waitSeconds);
  }

  /** The alarm has gone off: from here on there is none. */
  fired(): void {
    this.#at = undefined;
  }

  /** Something is unfinished still: then some alarm must be ahead. */
  keep(): void {
    if (this.#at === undefined) this.#set(SOON_SECONDS);
  }

  #set(waitSeconds: number): void {
    this.#at = Date.now() + waitSeconds * 1_000;
    void this.#storage.setAlarm(this.#at); // part of the transaction of this turn, which the output gate waits for
  }
}
