/**
 * One tunnel, seen from the executing side. Until the edge has proven itself with the dispatch key, only trust
 * statements (which prove themselves) are taken; any other order of frames is a violation and ends the tunnel.
 */
import { fromBase64url, toBase64url } from "../../../protocol/bytes.ts";
import { MalformedError } from "../../../protocol/canonical.ts";
import type { Signed } from "../../../protocol/messages.ts";
import { verifySignature, type MessageKind } from "../../../protocol/signing.ts";
import type { TrustState } from "../../../protocol/trust/state.ts";
import {
  helloCodec,
  trustAckCodec,
  welcomeCodec,
  type InwardFrame,
  type OutwardFrame,
  type Welcome,
} from "../../../protocol/tunnel.ts";
import type { WardenContext } from "./deps.ts";
import { takeTrust } from "./take-trust.ts";

/** The other end does not keep to the protocol. The link closes the tunnel and says the code. */
export class TunnelViolation extends Error {
  override readonly name = "TunnelViolation";
  readonly code: TunnelViolationCode;
  constructor(code: TunnelViolationCode) {
    super(code);
    this.code = code;
  }
}
export type TunnelViolationCode =
  | "out_of_order" // a frame before its turn
  | "flood" // more at once than any honest edge sends
  | "edge_unproven" // welcome does not verify with the dispatch key of the trust log
  | "foreign_certificate" // for a key that was not asked for, or of no use
  | "foreign_workspace" // the trust log on offer is not the pinned one
  | "trust_refused"; // a statement does not verify

/** How long a command may wait for newer trust. */
const CATCH_UP_MILLISECONDS = 5_000;
/** Wanting costs the edge a database read: once a minute, whatever is delivered. */
const CATCH_UP_PAUSE_MILLISECONDS = 60_000;

export type Send = (frame: OutwardFrame) => void;

/** What the connection needs from the warden around it. */
export interface ConnectionDeps {
  readonly context: WardenContext;
  readonly send: Send;
  /** SHA-256 of the client certificate with which the link dialled, lower-case hex: layer 1, as the warden sees it. */
  readonly certFingerprint: string;
  /** Newest delivery this process has finished with. */
  readonly lastAck: () => number;
  /** The tunnel that an earlier process of this warden welcomed and left word of; it goes on where that ended. */
  readonly resumed?: string;
  /** Monotonic time of the last `trust-want`, shared by all tunnels of this process. */
  readonly wants: { lastAt: number };
}

export class Connection {
  readonly #deps: ConnectionDeps;
  #isOpen = true;
  #isWelcomed = false;
  #opening: { readonly edgeNonce: string; readonly tunnel: string; readonly hostNonce: string } | undefined;
  #onTrust: ((changed: boolean) => void) | undefined;

  constructor(deps: ConnectionDeps) {
    this.#deps = deps;
    if (deps.resumed === undefined) return;
    this.#opening = { edgeNonce: "", tunnel: deps.resumed, hostNonce: "" };
    this.#isWelcomed = true;
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  get isWelcomed(): boolean {
    return this.#isWelcomed && this.#isOpen;
  }

  /** Only asked for after the handshake. */
  get tunnel(): string {
    return this.#opening?.tunnel ?? "";
  }

  get certFingerprint(): string {
    return this.#deps.certFingerprint;
  }

  send(frame: OutwardFrame): void {
    if (this.isWelcomed) this.#deps.send(frame);
  }

  close(): void {
    this.#isOpen = false;
    this.#onTrust?.(false);
  }

  requireWelcome(): void {
    if (!this.isWelcomed) throw new TunnelViolation("out_of_order");
  }

  /** Answers the edge's challenge with who we are and what we hold. */
  async hello({ edgeNonce, tunnel }: Extract<InwardFrame, { kind: "challenge" }>): Promise<void> {
    if (this.#opening !== undefined) throw new TunnelViolation("out_of_order");
    const { context, send, lastAck } = this.#deps;
    const hostNonce = context.nonce();
    this.#opening = { edgeNonce, tunnel, hostNonce };
    const head = context.trust.state?.head;
    const body = helloCodec.encode({
      v: 1,
      workspace: context.workspace,
      host: context.keys.host,
      hostBoot: context.hostBoot,
      ...(head === undefined ? {} : { trustHead: head }),
      lastReceipt: context.journal.position.number,
      lastAck: lastAck(),
      nonce: hostNonce,
      edgeNonce,
      tunnel,
    });
    send({ kind: "hello", signed: await sign(context, "hello", body) });
  }

  /** Takes statements whoever brings them; true when something was new. */
  async trust({ page }: Extract<InwardFrame, { kind: "trust" }>): Promise<boolean> {
    const { context } = this.#deps;
    const accepted = await takeTrust(page, context);
    const changed = accepted.added > 0;
    this.#onTrust?.(changed);
    // Also when nothing changed: an empty page is how the edge asks whether this tunnel still lives.
    if (this.isWelcomed) await this.acknowledgeTrust();
    const { refusal, passedOver } = accepted;
    if (refusal === "workspace" || refusal === "setup_key") throw new TunnelViolation("foreign_workspace");
    if (refusal !== undefined) throw new TunnelViolation("trust_refused");
    // A statement knew revocations that never came here: the edge is asked for all that follows our head.
    if (passedOver === "revocations") this.#want();
    return changed;
  }

  /** The edge proves itself; from here on frames count. */
  async welcome({ signed }: Extract<InwardFrame, { kind: "welcome" }>): Promise<void> {
    if (this.#opening === undefined || this.#isWelcomed) throw new TunnelViolation("out_of_order");
    const state = this.#deps.context.trust.state;
    if (state === undefined) throw new TunnelViolation("out_of_order");
    if (!(await this.#isProven(signed, state))) throw new TunnelViolation("edge_unproven");
    this.#isWelcomed = true;
    await this.acknowledgeTrust();
  }

  async #isProven(signed: Signed, state: TrustState): Promise<boolean> {
    const body = fromBase64url(signed.body);
    let welcome: Welcome;
    try {
      welcome = welcomeCodec.decode(body);
    } catch (error) {
      if (error instanceof MalformedError) return false;
      throw error;
    }
    const { context, certFingerprint } = this.#deps;
    const opening = this.#opening;
    const fits =
      welcome.workspace === context.workspace &&
      welcome.host === context.keys.host &&
      welcome.certFingerprint === certFingerprint &&
      welcome.tunnel === opening?.tunnel &&
      welcome.edgeNonce === opening.edgeNonce &&
      welcome.hostNonce === opening.hostNonce;
    const { signature } = signed;
    return fits && verifySignature({ kind: "welcome", body, signature, publicKey: state.dispatchKey });
  }

  /** Says what this host holds, and when that is two histories, that it obeys neither. */
  async acknowledgeTrust(): Promise<void> {
    const { context } = this.#deps;
    const state = context.trust.state;
    if (state === undefined) return;
    const body = trustAckCodec.encode({
      v: 1,
      workspace: context.workspace,
      host: context.keys.host,
      trustHead: state.head,
      ...(state.frozen === undefined ? {} : { frozen: state.frozen }),
    });
    this.send({ kind: "trust-ack", signed: await sign(context, "trust-ack", body) });
  }

  async catchUp(): Promise<boolean> {
    const answered = new Promise<boolean>((resolve) => {
      this.#onTrust = resolve;
    });
    try {
      if (!this.#want()) return false;
      return await Promise.race([answered, this.#deps.context.wait(CATCH_UP_MILLISECONDS).then(() => false)]);
    } finally {
      this.#onTrust = undefined;
    }
  }

  /** Asked for trust so lately that it would not be asked again. */
  get isCatchingUp(): boolean {
    const { context, wants } = this.#deps;
    return context.clock.monotonic() - wants.lastAt < CATCH_UP_PAUSE_MILLISECONDS;
  }

  /** False when it was asked for too lately, or there is nobody to ask. */
  #want(): boolean {
    const { context, wants } = this.#deps;
    const now = context.clock.monotonic();
    if (!this.isWelcomed || this.isCatchingUp) return false;
    wants.lastAt = now;
    const head = context.trust.state?.head;
    this.send({ kind: "trust-want", ...(head === undefined ? {} : { after: head }) });
    return true;
  }
}

async function sign(context: WardenContext, kind: MessageKind, body: Uint8Array): Promise<Signed> {
  return { body: toBase64url(body), signature: await context.keys.hostKey.sign(kind, body) };
}
