/** The one question to the edge that is open at a time. An answer that nobody waits for is dropped. */
import type { InwardFrame, OutwardFrame } from "../../../protocol/tunnel.ts";
import type { OwnReceipt } from "../warden/journal.ts";

export type Proof = Extract<InwardFrame, { kind: "proof" }>;

/** A proof is a few database reads at the edge. */
const PROOF_MILLISECONDS = 15_000;

export interface Want {
  readonly from: number;
  readonly to: number;
  readonly receipts: readonly OwnReceipt[];
}

interface Question extends Pick<Want, "from" | "to"> {
  readonly settle: (proof: Proof | undefined) => void;
}

export class Questions {
  readonly #wait: (milliseconds: number) => Promise<void>;
  /** In memory only. */
  #open: Question | undefined;

  constructor(wait: (milliseconds: number) => Promise<void>) {
    this.#wait = wait;
  }

  /** Undefined when nobody answered in time, or the tunnel is gone. */
  ask({ from, to, receipts }: Want, send: (frame: OutwardFrame) => void): Promise<Proof | undefined> {
    this.drop();
    const answered = new Promise<Proof | undefined>((resolve) => {
      this.#open = { from, to, settle: resolve };
    });
    const own = this.#open;
    send({ kind: "proof-want", from, to, receipts: receipts.map(({ number }) => number) });
    return Promise.race([answered, this.#wait(PROOF_MILLISECONDS).then(() => undefined)]).finally(() => {
      if (this.#open === own) this.#open = undefined;
    });
  }

  answer(proof: Proof): void {
    if (this.#open?.from === proof.from && this.#open.to === proof.to) this.#open.settle(proof);
  }

  drop(): void {
    this.#open?.settle(undefined);
    this.#open = undefined;
  }
}
