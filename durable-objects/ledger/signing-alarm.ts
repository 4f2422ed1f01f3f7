/**
 * The promise that entries will be covered by a checkpoint, whatever becomes of this process: one alarm in each period in
 * which something was written, because each is a row of its own.
 */
import { CHECKPOINT_SECONDS, HOSTS_A_CHECKPOINT_SECOND, MAX_CHECKPOINT_SECONDS } from "../../protocol/limits.ts";

/** While nothing is signed the log is looked at again this often: somebody may have restored it. */
const REFUSED_SECONDS = 60;

/** Each checkpoint is shown to every host, and wakes each one's object: a large fleet is shown them less often. */
export function checkpointSeconds(hosts: number): number {
  return Math.min(MAX_CHECKPOINT_SECONDS, Math.max(CHECKPOINT_SECONDS, Math.ceil(hosts / HOSTS_A_CHECKPOINT_SECOND)));
}

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
