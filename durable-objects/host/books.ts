/** What of a host goes to the ledger, and by which way: at once and waited for, or as soon as it can be written. */
import type { LedgerDraft } from "../../protocol/ledger.ts";
import type { Env } from "../env.ts";
import { ledgerGroupOf, ledgerOf, type AppendEntry } from "../ledger-client.ts";
import { Acceptance } from "./acceptance.ts";
import { Outbox } from "./outbox.ts";
import type { AgentAttachment } from "./sockets.ts";
import type { HostStore } from "./store.ts";
import type { Wake } from "./wake.ts";

export interface BooksDeps {
  readonly env: Pick<Env, "LEDGER">;
  readonly storage: DurableObjectStorage;
  readonly store: HostStore;
  readonly wake: Wake;
}

/** Made when first needed: only then it is certain which host this is. */
export class Books {
  readonly #deps: BooksDeps;
  /** Rebuilt: their rows are durable. */
  #acceptance: Acceptance | undefined;
  #outbox: Outbox | undefined;

  constructor(deps: BooksDeps) {
    this.#deps = deps;
  }

  /** Returns when the entry is in the ledger. */
  get append(): AppendEntry {
    const { env, store } = this.#deps;
    return ledgerOf(env, store.requireIdentity().workspace);
  }

  /** In the ledger as soon as it can be written, whatever becomes of this object. */
  appendLater(draft: LedgerDraft): Promise<void> {
    this.#deps.store.addToOutbox(draft);
    return this.outbox.schedule();
  }

  connection(action: "host.connected" | "host.disconnected", attachment: AgentAttachment): Promise<void> {
    const { host, tunnel, certFingerprint } = attachment;
    const detail = { certificate: certFingerprint };
    return this.appendLater({ actor: { kind: "host", id: host }, action, target: host, detail, subject: tunnel });
  }

  get acceptance(): Acceptance {
    const { store, storage, wake } = this.#deps;
    return (this.#acceptance ??= new Acceptance({ store, storage, wake, append: this.append }));
  }

  get outbox(): Outbox {
    const { env, store, wake } = this.#deps;
    const identity = store.requireIdentity();
    const append = ledgerGroupOf(env, identity.workspace);
    return (this.#outbox ??= new Outbox({ store, wake, ...identity, append }));
  }
}
