/**
 * The promise that entries will be covered by a checkpoint, whatever becomes of this process: one alarm in each period in
 * which something was written, because each is a row of its own.
 */
import { checkpointSeconds } from "../../protocol/checkpoint.ts";

/** While nothing is signed the log is looked at again this often: somebody may have restored it. */
const REFUSED_SECONDS = 60;

export class SigningAlarm {
  readonly #hosts: () => Promise<number>;
  readonly #storage: Pick<DurableObjectStorage, "getAlarm" | "setAlarm">;
  /** In memory only: a new object asks the storage. */
  #isSet = false;

  /** `hosts`: how many there are now. Asked once in each period. */
  constructor(storage: Pick<DurableObjectStorage, "getAlarm" | "setAlarm">, hosts: () => Promise<number>) {
    this.#storage = storage;
    this.#hosts = hosts;
  }

  /** Nothing when one is ahead. */
  async arm(): Promise<void> {
    if (this.#isSet) return;
    if ((await this.#storage.getAlarm()) === null) await this.#set(checkpointSeconds(await this.#hosts()));
    this.#isSet = true;
  }

  /** From here on there is none. */
  fired(): void {
    this.#isSet = false;
  }

  /** It could not be done. */
  async again(isRefused: boolean): Promise<void> {
    if (isRefused) await this.#set(REFUSED_SECONDS);
    else await this.arm();
  }

  async #set(waitSeconds: number): Promise<void> {
    await this.#storage.setAlarm(Date.now() + waitSeconds * 1_000);
    this.#isSet = true;
  }
}
