/**
 * Fifty who write into the ledger at once, each one entry after the other, while it is killed under them. They keep what
 * they were told, in the order in which they were told it.
 */
import { setTimeout as wait } from "node:timers/promises";
import type { LedgerDraft } from "../../../protocol/ledger.ts";
import { nonceOf } from "../../fixtures/keys.ts";
import type { LedgerRig } from "./rig.ts";

export const WRITERS = 50;
const PAUSE_MILLISECONDS = 20;

export interface Acknowledged {
  readonly writer: number;
  /** From 1, within the writer's own. */
  readonly n: number;
  readonly index: number;
  readonly hash: string;
  /** Places in the one sequence of everything that was asked and answered. */
  readonly asked: number;
  readonly answered: number;
}

export interface Signed {
  readonly note: string;
  readonly size: number;
}

interface Position {
  readonly index: number;
  readonly hash: string;
}

export class Writers {
  readonly acknowledged: Acknowledged[] = [];
  readonly checkpoints: Signed[] = [];
  readonly #rig: LedgerRig;
  readonly #workspace: string;
  #clock = 0;
  #isStopped = false;
  #running: readonly Promise<void>[] = [];

  constructor(rig: LedgerRig, workspace: string) {
    this.#rig = rig;
    this.#workspace = workspace;
  }

  start(): void {
    const writers = Array.from({ length: WRITERS }, (_, writer) => this.#write(writer));
    this.#running = [...writers, this.#sign()];
  }

  /** When so many answers have come from now on. */
  async heard(answers: number): Promise<void> {
    const before = this.acknowledged.length;
    while (this.acknowledged.length < before + answers) await wait(PAUSE_MILLISECONDS);
  }

  /** When everybody has the answer to their last question. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await Promise.all(this.#running);
  }

  async #write(writer: number): Promise<void> {
    for (let n = 1; !this.#isStopped; n++) {
      const asked = this.#clock++;
      const position = await this.#append(writer, n);
      if (position === undefined) continue;
      this.acknowledged.push({ writer, n, ...position, asked, answered: this.#clock++ });
    }
  }

  /** Every second writer asks until it is told; the others give up at once, and their entry may be there or not. */
  async #append(writer: number, n: number): Promise<Position | undefined> {
    for (;;) {
      const [position] = await this.#ask<readonly (Position | null)[]>("/append", entryOf(writer, n), []);
      if (position !== null && position !== undefined) return position;
      if (writer % 2 === 0 || this.#isStopped) return undefined;
      await wait(PAUSE_MILLISECONDS);
    }
  }

  async #sign(): Promise<void> {
    while (!this.#isStopped) {
      const result = await this.#ask<{ readonly ok: boolean } & Partial<Signed>>("/checkpoint", {}, { ok: false });
      const { note, size } = result;
      if (note !== undefined && size !== undefined) this.checkpoints.push({ note, size });
      await wait(PAUSE_MILLISECONDS);
    }
  }

  /** `otherwise`: nobody answered, because there is nobody. */
  async #ask<T>(door: string, body: object, otherwise: T): Promise<T> {
    try {
      return await this.#rig.ask<T>(door, { workspace: this.#workspace, ...body });
    } catch {
      await wait(PAUSE_MILLISECONDS); // killed, or killed while it answered
      return otherwise;
    }
  }
}

export function writerName(writer: number): string {
  return `w-${String(writer).padStart(20, "0")}`;
}

/** Every third brings a receipt, which must be there exactly when its entry is. */
function entryOf(writer: number, n: number): { readonly draft: LedgerDraft; readonly receipt?: object } {
  const target = writerName(writer);
  const name = `${target} ${n}`;
  const detail = { calls: { since: 1, total: n } };
  const draft: LedgerDraft = { actor: { kind: "edge" }, action: "calls.counted", target, detail, subject: name };
  if (writer % 3 !== 0) return { draft };
  const digest = nonceOf(name);
  const receipt = { workspace: "", digest, intent: digest, host: target, number: n, body: "e30", signature: "A" };
  return { draft: { ...draft, detail: { ...detail, receipt: digest } }, receipt };
}
