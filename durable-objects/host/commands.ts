/**
 * The commands of one host, from an accepted submission to what a page is told of them. Puts acceptance, delivery and
 * waiting together, and holds no rule of its own: the caller has found the host admitted, and the host judges the rest.
 */
import type { CommandStatus } from "../../protocol/contracts.ts";
import type { TrustHead } from "../../protocol/fields.ts";
import type { NewCommand } from "./acceptance.ts";
import type { Answers } from "./answers.ts";
import type { Books } from "./books.ts";
import { Delivery, type OpenTunnel, type SignerFor } from "./delivery.ts";
import type { Live } from "./live.ts";
import { statusOf, type HostStore, type Identity } from "./store.ts";

export interface CommandsDeps {
  readonly store: HostStore;
  readonly books: Books;
  readonly answers: Answers;
  readonly live: Live;
  readonly signer: SignerFor;
  readonly tunnel: () => OpenTunnel | undefined;
  readonly isAdmitted: (identity: Identity) => Promise<boolean>;
  readonly waitUntil: (work: Promise<void>) => void;
}

export class HostCommands {
  readonly #deps: CommandsDeps;
  readonly #delivery: Delivery;

  constructor(deps: CommandsDeps) {
    this.#deps = deps;
    this.#delivery = new Delivery(deps.store, deps.signer);
  }

  /** Accepts, delivers where the host is there, and waits a moment for the receipt; undefined without a ledger entry. */
  async submit(identity: Identity, command: NewCommand, seen?: TrustHead): Promise<CommandStatus | undefined> {
    const { store, books, answers } = this.#deps;
    const { intent } = command;
    if (!(await books.acceptance.accept(command))) return undefined;
    const answered = answers.wait(intent);
    await this.#deliver(intent, seen);
    if (store.stateOf(intent) === "delivered") await answered;
    else answers.settle(intent);
    return this.status(identity, intent);
  }

  status({ host }: Identity, intent: string): CommandStatus | undefined {
    const { store } = this.#deps;
    const command = store.command(intent);
    if (command !== undefined) return statusOf(command, host);
    return store.isHeld(intent) ? { intent, host, state: "queued" } : undefined;
  }

  /** Finishes what a dead process accepted and did not record. */
  async resume(identity: Identity): Promise<void> {
    const { books, isAdmitted } = this.#deps;
    for (const intent of await books.acceptance.resume()) if (await isAdmitted(identity)) await this.#deliver(intent);
  }

  /** Sends what waits, to a host that is admitted. */
  advance(seen?: TrustHead): Promise<void> {
    return this.#delivery.advance(this.#deps.tunnel, seen);
  }

  /** Something became of a command: whoever waits or watches is told, and an answer makes room for the next one. */
  changed(intent: string): void {
    const { store, answers, live, waitUntil } = this.#deps;
    const state = store.stateOf(intent);
    if (state === undefined) return;
    if (state === "receipted" || state === "refused") {
      answers.settle(intent);
      waitUntil(this.#deliverMore());
    }
    live.pushCommand(intent);
  }

  async #deliver(intent: string, seen?: TrustHead): Promise<void> {
    await this.advance(seen);
    this.changed(intent);
  }

  async #deliverMore(): Promise<void> {
    const { store, tunnel, isAdmitted } = this.#deps;
    if (this.#delivery.hasMore(tunnel()) && (await isAdmitted(store.requireIdentity()))) await this.advance();
  }
}
