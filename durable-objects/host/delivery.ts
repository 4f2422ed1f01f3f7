/**
 * Hands commands to the host, in their sequence, each time with a fresh dispatch signature that binds the intent to
 * this tunnel and this client certificate. Redelivery is safe: the host's journal runs an intent at most once. Only so many
 * are on their way at a time, and each answer lets the next one go: a socket that does not drain holds no more, and a host
 * that comes back to hundreds is not flooded. How far a tunnel is, its socket remembers; what has no answer, the store.
 */
import { toBase64url } from "../../protocol/bytes.ts";
import { encodeCanonical } from "../../protocol/canonical.ts";
import { MAX_UNANSWERED_DELIVERIES } from "../../protocol/limits.ts";
import type { TrustHead } from "../../protocol/fields.ts";
import { dispatchCodec, type Envelope, type Submission } from "../../protocol/messages.ts";
import type { Signer } from "../../protocol/signing.ts";
import { inwardFrames } from "../../protocol/tunnel.ts";
import { logStep } from "../log.ts";
import { keepAttachment, readAgent, trySend, type AgentAttachment } from "./sockets.ts";
import type { HostStore, StoredCommand } from "./store.ts";

export interface OpenTunnel {
  readonly socket: WebSocket;
  readonly attachment: AgentAttachment;
}

/** `seen`: the trust log as the request saw it that this is done for. */
export type SignerFor = (open: OpenTunnel, seen?: TrustHead) => Promise<Signer | undefined>;

export class Delivery {
  readonly #store: HostStore;
  readonly #signer: SignerFor;
  /** In memory only: keeps the order of sending the order of the sequence. */
  #turn: Promise<void> = Promise.resolve();

  /** `signer`: the key that the host at the other end accepts now; undefined where there is none. */
  constructor(store: HostStore, signer: SignerFor) {
    this.#store = store;
    this.#signer = signer;
  }

  /**
   * Sends what has no final answer and was not sent on this tunnel, as far as there is room. `tunnel` is asked for at the
   * moment of sending.
   */
  advance(tunnel: () => OpenTunnel | undefined, seen?: TrustHead): Promise<void> {
    return this.#inTurn(async () => {
      while (await this.#sendNext(tunnel, seen)) continue;
    });
  }

  /** True while something waits that was not sent on this tunnel. */
  hasMore(tunnel: OpenTunnel | undefined): boolean {
    const sent = placeOf(tunnel);
    return sent !== undefined && this.#store.openCommandAfter(sent) !== undefined;
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const turn = this.#turn.then(work);
    this.#turn = turn.catch(() => undefined); // the caller of this turn sees its failure; the next turn is not to blame
    return turn;
  }

  /** False when there is nothing to send, no room, or nobody. */
  async #sendNext(tunnel: () => OpenTunnel | undefined, seen: TrustHead | undefined): Promise<boolean> {
    const store = this.#store;
    const before = tunnel();
    const sent = placeOf(before);
    const command = sent === undefined ? undefined : store.openCommandAfter(sent);
    if (before === undefined || sent === undefined || command === undefined) return false;
    if (store.openCommandsUpTo(sent) >= MAX_UNANSWERED_DELIVERIES) return false;
    const signer = await this.#signer(before, seen);
    if (signer === undefined) return false;
    const open = tunnel();
    if (open === undefined || placeOf(open) !== sent) return open !== undefined; // another tunnel by now: from its place
    const { socket, attachment } = open;
    const frame = await writeDelivery(command, attachment, signer);
    // The host learnt of something while this was signed, perhaps of another key: once more, by what it knows now.
    if (readAgent(socket)?.trustSent !== attachment.trustSent) return true;
    if (!trySend(socket, frame)) return false;
    keepAttachment(socket, { ...(readAgent(socket) ?? attachment), delivered: command.number });
    store.markDelivered(command.intent);
    logStep("dispatched", { intent: command.intent, host: attachment.host, number: command.number });
    return true;
  }
}

/** Undefined when there is no tunnel. */
function placeOf(open: OpenTunnel | undefined): number | undefined {
  return open === undefined ? undefined : (readAgent(open.socket)?.delivered ?? 0);
}

async function writeDelivery(
  { intent, submission, number }: StoredCommand,
  { workspace, host, tunnel, certFingerprint }: AgentAttachment,
  signer: Signer,
): Promise<string> {
  const body = dispatchCodec.encode({ v: 1, workspace, host, intent, tunnel, certFingerprint });
  const dispatch = { body: toBase64url(body), signature: await signer.sign("dispatch", body) };
  // Our own row, read by its schema when it was accepted; the host reads the whole again.
  const envelope = { ...(JSON.parse(submission) as Submission), dispatch } satisfies Envelope;
  return inwardFrames.encode({ kind: "deliver", number, envelope: toBase64url(encodeCanonical(envelope)) });
}
