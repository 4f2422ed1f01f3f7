/**
 * Hands commands to the host, in their sequence, each time with a fresh dispatch signature that binds the intent to
 * this tunnel and this client certificate. Redelivery is safe: the host's journal runs an intent at most once.
 */
import { toBase64url } from "../../protocol/bytes.ts";
import { encodeCanonical } from "../../protocol/canonical.ts";
import { dispatchCodec, type Envelope, type Submission } from "../../protocol/messages.ts";
import type { Signer } from "../../protocol/signing.ts";
import { inwardFrames } from "../../protocol/tunnel.ts";
import { logStep } from "../log.ts";
import type { AgentAttachment } from "./sockets.ts";
import { trySend } from "./sockets.ts";
import type { HostStore, StoredCommand } from "./store.ts";

export interface OpenTunnel {
  readonly socket: WebSocket;
  readonly attachment: AgentAttachment;
}

export class Delivery {
  readonly #store: HostStore;
  readonly #signer: () => Promise<Signer>;
  /** In memory only: keeps the order of sending the order of the sequence. */
  #turn: Promise<void> = Promise.resolve();

  constructor(store: HostStore, signer: () => Promise<Signer>) {
    this.#store = store;
    this.#signer = signer;
  }

  /** Sends everything that has no final answer. `tunnel` is asked for at the moment of sending. */
  redeliver(tunnel: () => OpenTunnel | undefined): Promise<void> {
    return this.#inTurn(async () => {
      for (const command of this.#store.openCommands()) await this.#send(command, tunnel);
    });
  }

  deliver(intent: string, tunnel: () => OpenTunnel | undefined): Promise<void> {
    return this.#inTurn(async () => {
      const command = this.#store.command(intent);
      if (command !== undefined && (command.state === "queued" || command.state === "delivered"))
        await this.#send(command, tunnel);
    });
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const turn = this.#turn.then(work);
    this.#turn = turn.catch(() => undefined); // the caller of this turn sees its failure; the next turn is not to blame
    return turn;
  }

  async #send(command: StoredCommand, tunnel: () => OpenTunnel | undefined): Promise<void> {
    const signer = await this.#signer();
    const open = tunnel();
    if (open === undefined) return;
    const { workspace, host, tunnel: tunnelId, certFingerprint } = open.attachment;
    const body = dispatchCodec.encode({
      v: 1,
      workspace,
      host,
      intent: command.intent,
      tunnel: tunnelId,
      certFingerprint,
    });
    const dispatch = { body: toBase64url(body), signature: await signer.sign("dispatch", body) };
    // Our own row, read by its schema when it was accepted; the host reads the whole again.
    const submission = JSON.parse(command.submission) as Submission;
    const envelope = toBase64url(encodeCanonical({ ...submission, dispatch } satisfies Envelope));
    if (!trySend(open.socket, inwardFrames.encode({ kind: "deliver", number: command.number, envelope }))) return;
    this.#store.markDelivered(command.intent);
    logStep("dispatched", { intent: command.intent, host, number: command.number });
  }
}
