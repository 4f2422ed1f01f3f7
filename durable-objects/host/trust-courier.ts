/**
 * Brings the trust log to the host of a tunnel: at its hello, when it asks, at each change, and once more when its own
 * word shows that it holds something else than we do. Statements prove themselves; nothing here vouches for them.
 */
import type { TrustHead } from "../../protocol/fields.ts";
import type { TrustState } from "../../protocol/trust/state.ts";
import { inwardFrames } from "../../protocol/tunnel.ts";
import { lacking, type TrustLog } from "../db/trust-log.ts";
import type { OpenTunnel } from "./delivery.ts";
import { sendTrust, type TrustAck } from "./greeting.ts";
import { keepAttachment, readAgent, trySend, type AgentAttachment } from "./sockets.ts";

const EMPTY_PAGE = inwardFrames.encode({ kind: "trust", page: { statements: [] } });

export class TrustCourier {
  readonly #log: TrustLog;

  constructor(log: TrustLog) {
    this.#log = log;
  }

  /** What a host that holds `head` lacks; nothing is sent where it holds what we do. Returns our state. */
  async bring(open: OpenTunnel, head: TrustHead | undefined): Promise<TrustState> {
    const trust = await this.#current(open);
    const place = lacking(trust, head);
    if (place !== "nothing") await sendTrust(this.#log, open, place);
    return trust;
  }

  /** The host asked and waits: one that holds everything hears that, too. */
  async answer(open: OpenTunnel, after: TrustHead | undefined): Promise<void> {
    const place = lacking(await this.#current(open), after);
    if (place === "nothing") trySend(open.socket, EMPTY_PAGE);
    else await sendTrust(this.#log, open, place);
  }

  /**
   * What was stated since this tunnel was last told; nothing is sent where it knows. Returns our state. `seen`: by the
   * request that this is done for, whose state holds for all that is done for it.
   */
  async bringNew(open: OpenTunnel, seen?: TrustHead): Promise<TrustState> {
    const known = seen === undefined ? undefined : this.#log.seenAs(open.attachment.workspace, seen);
    const trust = known ?? (await this.#current(open));
    return trust.head.n > open.attachment.trustSent ? this.bringChange(open) : trust;
  }

  async bringChange(open: OpenTunnel): Promise<TrustState> {
    const trust = await this.#current(open);
    await sendTrust(this.#log, open, open.attachment.trustSent);
    note(open, { trustSent: trust.head.n });
    return trust;
  }

  /**
   * A host that was told everything and holds something else missed something, or was told another history before. Once
   * for each head of ours: a host that refuses what it is told must not be told for ever.
   */
  async repair(open: OpenTunnel, { trustHead, frozen }: TrustAck): Promise<void> {
    if (frozen !== undefined) return;
    const trust = await this.#current(open);
    const { n, hash, revoked } = trust.head;
    const place = lacking(trust, trustHead);
    const ours = `${n}.${hash}.${revoked}`;
    if (place === "nothing" || readAgent(open.socket)?.repaired === ours) return;
    note(open, { repaired: ours });
    await sendTrust(this.#log, open, place);
  }

  async #current({ attachment }: OpenTunnel): Promise<TrustState> {
    const trust = await this.#log.current(attachment.workspace);
    if (trust === undefined) throw new TypeError("a tunnel of no workspace");
    return trust;
  }
}

/** Onto what the socket carries now, which may have changed since the caller read it. */
function note(
  { socket, attachment }: OpenTunnel,
  change: Partial<Pick<AgentAttachment, "trustSent" | "repaired">>,
): void {
  keepAttachment(socket, { ...(readAgent(socket) ?? attachment), ...change });
}
