/** Everything between the log and the host that witnesses it, behind one door: which frame goes where, and no more. */
import type { Env } from "../env.ts";
import type { OutwardFrame } from "../../protocol/tunnel.ts";
import type { TrustState } from "../../protocol/trust/state.ts";
import type { Alarms } from "../alert-client.ts";
import type { OpenTunnel } from "./delivery.ts";
import type { Outbox } from "./outbox.ts";
import type { HostStore } from "./store.ts";
import { receiptEntries } from "../db/receipt-entries.ts";
import { WitnessCourier } from "./witness-courier.ts";
import { WitnessWords } from "./witness-words.ts";

export type WitnessFrame = Extract<
  OutwardFrame,
  { kind: "witnessed" | "proof-want" | "cosignature" | "witness-refused" | "witness-reset" }
>;

export interface WitnessingDeps {
  readonly env: Pick<Env, "DB" | "LEDGER" | "SEGMENT">;
  readonly store: HostStore;
  readonly outbox: () => Outbox;
  readonly alarms: Alarms;
  readonly trust: (workspace: string) => Promise<TrustState | undefined>;
}

export class Witnessing {
  readonly #courier: WitnessCourier;
  readonly #words: WitnessWords;

  constructor({ env, store, outbox, alarms, trust }: WitnessingDeps) {
    this.#words = new WitnessWords({
      store,
      outbox,
      alarms,
      seen: ({ attachment: { workspace, host } }, note) => env.LEDGER.getByName(workspace).seen(workspace, host, note),
    });
    this.#courier = new WitnessCourier({
      db: env.DB,
      store,
      trust,
      entries: (input) => receiptEntries(env, input),
      healed: (host) => this.#words.healed(host),
    });
  }

  showNewest(open: OpenTunnel): Promise<void> {
    return this.#courier.showNewest(open);
  }

  show(open: OpenTunnel, note: string): void {
    this.#courier.show(open, note);
  }

  /** The caller has found the host admitted. */
  async receive(open: OpenTunnel, frame: WitnessFrame): Promise<void> {
    if (!this.#courier.admits(open)) return;
    switch (frame.kind) {
      case "witnessed":
        return this.#words.witnessed(open, frame);
      case "proof-want":
        return this.#courier.prove(open, frame);
      case "cosignature":
        return this.#courier.cosigned(open, frame);
      case "witness-refused":
        return this.#words.refused(open, frame);
      case "witness-reset":
        return this.#words.reset(open, frame);
    }
  }
}
