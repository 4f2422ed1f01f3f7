/**
 * The warden's port: frames in, frames out. It verifies and executes, and trusts nobody who hands it frames; nothing
 * reachable from here may open a network connection (a test walks the imports).
 */
import type { TrustHead } from "../../../protocol/fields.ts";
import { MAX_CHALLENGES_PER_HOST, READ_MEMORY_SECONDS } from "../../../protocol/limits.ts";
import type { TrustPage } from "../../../protocol/trust/statements.ts";
import type { CertificateRefusal, InwardFrame, OutwardFrame } from "../../../protocol/tunnel.ts";
import { fromBase64url } from "../../../protocol/bytes.ts";
import { isUrgent } from "../../../protocol/urgency.ts";
import { admissionOf, type Admission } from "./admission.ts";
import { AppendError } from "./append-file.ts";
import { Commands, receiptFrame, type CommandSource } from "./commands.ts";
import { Connection, TunnelViolation, type ConnectionDeps, type Send } from "./connection.ts";
import type { WardenContext } from "./deps.ts";
import { endSession } from "./end-session.ts";
import { Lane } from "./lane.ts";
import { Lookout, type TunnelNow } from "./lookout.ts";
import { answerPrepare, type PrepareFrame } from "./prepare.ts";
import { Reads, type ReadFrame } from "./reads.ts";
import { Renewal } from "./renewal.ts";
import { takeTrust } from "./take-trust.ts";
import type { Acceptance } from "./trust-store.ts";
import { Witness, type WitnessStanding } from "../witness/witness.ts";
import type { WitnessRecord } from "../witness/witness-file.ts";

export interface Warden {
  /** A new tunnel, dialled with this client certificate; the one before counts as closed. */
  connect(send: Send, certFingerprint: string): WardenTunnel;
  /** Goes on with a tunnel that an earlier process left word of. */
  resume(send: Send, left: LeftTunnel): WardenTunnel;
  /** What the next process needs to go on with the tunnel that is there; undefined when none was welcomed. */
  leave(): LeftTunnel | undefined;
  /** Nothing is under way and nothing lives in memory alone that somebody counts on. */
  isResting(): boolean;
  /** What the trust log says of this host; anything but `admitted` keeps it out of service. */
  admission(): Admission;
  standing(): WardenStanding;
  /** Takes a page that somebody on this machine brought, exactly as from a tunnel. @throws {AppendError} */
  takeTrust(page: TrustPage): Promise<Acceptance>;
  /** Lets the witness forget what it has seen of the log; returns what that was. Only the owner of the machine asks. */
  forgetWitness(): WitnessRecord | undefined;
  /** Called now and then: what is due without a frame. */
  tick(): void;
  /** Resolves when the command that is running, if any, is over and written down. */
  stop(): Promise<void>;
}

export interface WardenStanding {
  /** Undefined until the root was seen. */
  readonly trustHead: TrustHead | undefined;
  /** True while two histories are claimed, or one by somebody revoked: nothing is obeyed but revocations. */
  readonly isFrozen: boolean;
  /** Number of the newest receipt; 0 for none. */
  readonly lastReceipt: number;
  /** Refusals since the start that no receipt tells of. */
  readonly unsignedRefusals: number;
  /** What this host has seen of the activity log, and vouches for. */
  readonly witness: WitnessStanding;
  /** Why the edge gave this host no new client certificate when it last asked. */
  readonly certificateRefusal: CertificateRefusal | undefined;
}

/** A welcomed tunnel, as one process of the warden leaves it to the next. It grants nothing: commands carry their own proofs. */
export interface LeftTunnel {
  readonly tunnel: string;
  readonly certFingerprint: string;
  readonly lastAck: number;
}

export interface WardenTunnel {
  /** @throws {TunnelViolation} when the tunnel must be closed. The caller waits before handing in the next frame. */
  receive(frame: InwardFrame): Promise<void>;
  isWelcomed(): boolean;
  close(): void;
}

export interface WardenOptions {
  readonly context: WardenContext;
  /** Called after every change of the trust log. */
  readonly onTrust?: () => void;
  /** A mistake of ours that no peer can cause on purpose: the process should end rather than go on. */
  readonly onFault: (error: unknown) => void;
}

/** What an earlier process left begun is settled first; deliveries wait for that, everything else does not. */
export function openWarden(options: WardenOptions): Warden {
  const core = new Core(options);
  core.recover();
  return core;
}

/** What counts only on a tunnel whose edge has proven itself. */
type ServedFrame = Exclude<InwardFrame, { kind: "challenge" | "trust" | "welcome" }>;

class Core implements Warden {
  readonly #context: WardenContext;
  readonly #options: WardenOptions;
  readonly #commands: Commands;
  readonly #witness: Witness;
  readonly #renewal: Renewal;
  readonly #lookout: Lookout;
  readonly #wants = { lastAt: Number.NEGATIVE_INFINITY };
  #current: Connection | undefined;
  readonly #lane: Lane;
  readonly #reads: Reads;
  #preparing = 0;
  #reading = 0;
  /** Monotonic, milliseconds: of the last question, which must not be answered twice. */
  #readAt = Number.NEGATIVE_INFINITY;
  /** RAM only: after a restart the edge delivers again, and known intents get their receipt. */
  #lastAck = 0;

  constructor(options: WardenOptions) {
    this.#context = options.context;
    this.#options = options;
    this.#lookout = new Lookout(options.context, () => this.#welcomed());
    this.#commands = new Commands({ ...options.context, lookout: this.#lookout });
    this.#lane = new Lane(options.onFault);
    this.#witness = new Witness(options.context, options.onFault);
    this.#renewal = new Renewal(options.context);
    this.#reads = new Reads(options.context);
  }

  recover(): void {
    this.#noteForeignKey("none");
    this.#lane.push(undefined, () => this.#commands.recover((frame) => this.#send(frame)));
  }

  admission(): Admission {
    return admissionOf(this.#context.trust.state, this.#context.keys);
  }

  #noteForeignKey(before: Admission): void {
    if (this.admission() !== "foreign-key" || before === "foreign-key") return;
    this.#context.log({ event: "admitted_with_foreign_key" });
  }

  standing(): WardenStanding {
    return {
      trustHead: this.#context.trust.state?.head,
      isFrozen: this.#context.trust.state?.frozen !== undefined,
      lastReceipt: this.#context.journal.position.number,
      unsignedRefusals: this.#commands.unsignedRefusals,
      witness: this.#witness.standing(),
      certificateRefusal: this.#renewal.refusal,
    };
  }

  forgetWitness(): WitnessRecord | undefined {
    return this.#witness.forget();
  }

  tick(): void {
    this.#witness.tick();
    if (this.#current !== undefined) this.#renewal.tick(this.#current).catch(this.#options.onFault);
  }

  async takeTrust(page: TrustPage): Promise<Acceptance> {
    const accepted = await this.#following(() => takeTrust(page, this.#context));
    if (accepted.added > 0) await this.#current?.acknowledgeTrust();
    return accepted;
  }

  async stop(): Promise<void> {
    this.#current?.close();
    this.#witness.stop();
    this.#commands.stop();
    await this.#lane.idle();
    this.#context.journal.close();
    this.#context.trust.close();
    this.#context.sessionEnds.close();
  }

  isResting(): boolean {
    const { challenges, grants, clock } = this.#context;
    const isBusy = this.#lane.length > 0 || this.#preparing > 0 || this.#reading > 0 || this.#renewal.isWaiting;
    const isRemembering = clock.monotonic() - this.#readAt < READ_MEMORY_SECONDS * 1_000;
    if (isBusy || isRemembering || this.#current?.isCatchingUp === true) return false;
    return challenges.isEmpty && grants.isEmpty && this.#witness.isResting;
  }

  leave(): LeftTunnel | undefined {
    const current = this.#current;
    if (current?.isWelcomed !== true) return undefined;
    return { tunnel: current.tunnel, certFingerprint: current.certFingerprint, lastAck: this.#lastAck };
  }

  connect(send: Send, certFingerprint: string): WardenTunnel {
    return this.#begin({ send, certFingerprint });
  }

  resume(send: Send, { tunnel, certFingerprint, lastAck }: LeftTunnel): WardenTunnel {
    this.#lastAck = Math.max(this.#lastAck, lastAck);
    const begun = this.#begin({ send, certFingerprint, resumed: tunnel });
    this.#witness.resumed((said) => this.#send(said));
    return begun;
  }

  #begin(from: Pick<ConnectionDeps, "send" | "certFingerprint" | "resumed">): WardenTunnel {
    this.#close(this.#current);
    const connection = new Connection({
      ...from,
      context: this.#context,
      lastAck: () => this.#lastAck,
      wants: this.#wants,
    });
    this.#current = connection;
    return {
      receive: (frame) => this.#receive(frame, connection),
      isWelcomed: () => connection.isWelcomed,
      close: () => this.#close(connection),
    };
  }

  #close(connection: Connection | undefined): void {
    if (connection !== undefined) this.#lane.forget(connection);
    connection?.close();
    if (connection === this.#current) this.#witness.disconnected();
  }

  /** On the tunnel that is there now, if it was welcomed. */
  #send(frame: OutwardFrame): void {
    const current = this.#current;
    if (current?.isWelcomed !== true) return;
    current.send(frame);
    if (frame.kind === "receipt") this.#witness.offered(frame.number);
  }

  #welcomed(): ReturnType<TunnelNow> {
    const current = this.#current;
    if (current?.isWelcomed !== true) return undefined;
    return { tunnel: current.tunnel, send: (frame) => current.send(frame) };
  }

  async #receive(frame: InwardFrame, connection: Connection): Promise<void> {
    if (!connection.isOpen) return;
    switch (frame.kind) {
      case "challenge":
        return connection.hello(frame);
      case "trust":
        return this.#trust(frame, connection);
      case "welcome":
        await connection.welcome(frame);
        for (const stored of this.#context.journal.unacked()) connection.send(receiptFrame(stored));
        this.#witness.connected((said) => connection.send(said));
        return;
      default:
        connection.requireWelcome();
        return this.#serve(frame, connection);
    }
  }

  async #serve(frame: ServedFrame, connection: Connection): Promise<void> {
    switch (frame.kind) {
      case "prepare":
        return this.#prepare(frame, connection);
      case "read":
        return this.#read(frame, connection);
      case "session-end":
        return endSession(frame.end, this.#context);
      case "deliver":
        return this.#deliver(frame, connection);
      case "ack":
        return this.#ack(frame.receipt);
      case "checkpoint":
        return this.#witness.checkpoint(frame);
      case "proof":
        return this.#witness.proof(frame);
      case "certificate":
        return this.#renewal.certificate(frame, connection);
      case "certificate-refused":
        return this.#renewal.refused(frame, connection);
      case "looked":
        return this.#lookout.take(frame.signed);
      case "drain":
      case "watch": // the link's business
    }
  }

  async #trust(frame: Extract<InwardFrame, { kind: "trust" }>, connection: Connection): Promise<void> {
    try {
      await this.#following(() => connection.trust(frame));
    } catch (error) {
      if (!(error instanceof AppendError)) throw error;
      this.#context.log({ event: "trust_write_failed" }); // stays behind, and says so by its head
    }
  }

  /** What a page brought counts, and is told, also when the page ended in a violation or at a full disk. */
  async #following<T>(take: () => Promise<T>): Promise<T> {
    const before = this.admission();
    const { state } = this.#context.trust;
    try {
      return await take();
    } finally {
      if (this.#context.trust.state !== state) {
        this.#noteForeignKey(before);
        this.#options.onTrust?.();
      }
    }
  }

  /** In the background: the gateway may take seconds to say its boot, and other frames must not wait for that. */
  #prepare(frame: PrepareFrame, connection: Connection): void {
    if (this.#preparing >= MAX_CHALLENGES_PER_HOST) throw new TunnelViolation("flood");
    this.#preparing += 1;
    answerPrepare(frame, this.#context)
      .then((answer) => connection.send(answer))
      .catch(this.#options.onFault)
      .finally(() => {
        this.#preparing -= 1;
      });
  }

  /** In the background, as with `prepare`; the answer goes to the tunnel that asked, or to nobody. */
  #read(frame: ReadFrame, connection: Connection): void {
    if (this.#reading >= MAX_CHALLENGES_PER_HOST) throw new TunnelViolation("flood");
    this.#reading += 1;
    this.#readAt = this.#context.clock.monotonic();
    this.#reads
      .answer(frame, (answer) => connection.send(answer))
      .catch(this.#options.onFault)
      .finally(() => {
        this.#reading -= 1;
      });
  }

  async #deliver(
    { envelope, number }: Extract<InwardFrame, { kind: "deliver" }>,
    connection: Connection,
  ): Promise<void> {
    if (this.#lane.length >= MAX_CHALLENGES_PER_HOST) throw new TunnelViolation("flood");
    const source = this.#source(connection);
    const run = async (): Promise<void> => {
      const isFinished = await this.#commands.deliver(envelope, source);
      if (isFinished) this.#lastAck = Math.max(this.#lastAck, number);
    };
    if (this.#lane.length === 0 || !isUrgent(fromBase64url(envelope))) return this.#lane.push(connection, run);
    this.#lane.pushFirst(connection, run);
    return this.#hurry(envelope, source);
  }

  /** What runs stops waiting only for a command that would run: an order of bytes alone shortens nothing. */
  async #hurry(envelope: string, source: CommandSource): Promise<void> {
    if (!(await this.#commands.wouldRun(envelope, source))) return;
    this.#context.gateway?.hurry();
    this.#lookout.hurry();
  }

  /** The tunnel that brought a command may be gone when it ends: the answer takes the one that is there then. */
  #source(connection: Connection): CommandSource {
    const { clock } = this.#context;
    const cameIn = clock.monotonic();
    return {
      waited: () => Math.floor((clock.monotonic() - cameIn) / 1_000),
      tunnel: () => connection.tunnel,
      certFingerprint: () => connection.certFingerprint,
      isOpen: () => connection.isOpen,
      send: (frame) => this.#send(frame),
      catchUp: () => connection.catchUp(),
    };
  }

  #ack(number: number): void {
    try {
      this.#context.journal.acked(number);
    } catch (error) {
      if (!(error instanceof AppendError)) throw error;
      this.#context.log({ event: "journal_write_failed" }); // repeated at the next welcome
    }
  }
}
