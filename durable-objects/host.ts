/**
 * One host: its tunnel, the pages that watch it, and the sequence of its commands. A courier: it verifies what it
 * can, keeps what must not be lost, and can neither make nor change a command. Everything a host says is a claim
 * until its signature verified; a frame outside the closed union ends the connection.
 */
import { DurableObject } from "cloudflare:workers";
import { MalformedError } from "../protocol/canonical.ts";
import { LIVE_SUBPROTOCOL, type CommandStatus, type HostRow } from "../protocol/contracts.ts";
import type { HistoryRange } from "../protocol/history.ts";
import type { TrustHead } from "../protocol/fields.ts";
import type { Signed, SignedSessionEnd } from "../protocol/messages.ts";
import type { Signer } from "../protocol/signing.ts";
import type { TrustState } from "../protocol/trust/state.ts";
import { inwardFrames, PING, PONG, type OutwardFrame } from "../protocol/tunnel.ts";
import { edgeSeconds } from "./clock.ts";
import { alarmsOf, type Alarms } from "./alert-client.ts";
import { authorityOf } from "./certificates/authority.ts";
import { openDatabase, type Database } from "./db/database.ts";
import { findHost } from "./db/host-rows.ts";
import { trustLogOf, type TrustLog } from "./db/trust-log.ts";
import { DispatchKeys } from "./edge-keys.ts";
import type { Env } from "./env.ts";
import type { NewCommand } from "./host/acceptance.ts";
import { Answers } from "./host/answers.ts";
import { Books } from "./host/books.ts";
import { Certificates } from "./host/certificates.ts";
import { HostCommands } from "./host/commands.ts";
import type { OpenTunnel } from "./host/delivery.ts";
import { closeAfter, FrameGate } from "./host/frame-gate.ts";
import { GatewayAlarms } from "./host/gateway-alarms.ts";
import { judgeHello, sendSessionEnds, writeWelcome } from "./host/greeting.ts";
import { History, type HistoryAnswer } from "./host/history.ts";
import { Live } from "./host/live.ts";
import { Looks } from "./host/looks.ts";
import type { Outbox } from "./host/outbox.ts";
import { Pages } from "./host/pages.ts";
import { prepareFrame, Prepares, type PrepareAnswer, type PrepareCall } from "./host/prepares.ts";
import { readFrame, Reads, type ReadAnswer, type ReadCall } from "./host/reads.ts";
import { Rivals } from "./host/rivals.ts";
import { composeRow } from "./host/row.ts";
import * as sockets from "./host/sockets.ts";
import { HostStore, type Identity } from "./host/store.ts";
import { PostureAlarms } from "./host/posture-alarms.ts";
import { LatestTelemetry } from "./host/telemetry.ts";
import { TrustCourier } from "./host/trust-courier.ts";
import { Tunnels } from "./host/tunnels.ts";
import { Wake } from "./host/wake.ts";
import { Watching } from "./host/watching.ts";
import { Witnessing, type WitnessFrame } from "./host/witnessing.ts";
import { Words } from "./host/words.ts";
import { logStep } from "./log.ts";
import { wayToKnock } from "./outbound/knock.ts";

type AdmittedFrame =
  | Extract<OutwardFrame, { kind: "prepared" | "receipt" | "telemetry" | "reading" | "history" | "look" }>
  | WitnessFrame;

export class Host extends DurableObject<Env> {
  /** Durable. */
  readonly #store: HostStore;
  readonly #db: Database;
  /** Rebuilt: verified again from D1. */
  readonly #trust: TrustLog;
  readonly #courier: TrustCourier;
  /** In memory only: lives while a page's request waits. */
  readonly #prepares = new Prepares();
  readonly #answers = new Answers();
  readonly #reads = new Reads();
  /** In memory only: a handshake that waits. */
  readonly #rivals: Rivals;
  readonly #gate = new FrameGate();
  /** The newest in memory, one now and then in storage. */
  readonly #telemetry: LatestTelemetry;
  /** In memory only. */
  readonly #watching = new Watching();
  /** Its alarm is durable. */
  readonly #wake: Wake;
  readonly #books: Books;
  /** Durable with their sockets. */
  readonly #tunnels: Tunnels;
  readonly #pages: Pages;
  readonly #live: Live;
  readonly #commands: HostCommands;
  readonly #words: Words;
  readonly #witnessing: Witnessing;
  readonly #certificates: Certificates;
  readonly #alarms: Alarms;
  /** What a host's figures can mean for people who do not look. */
  readonly #listeners: readonly (GatewayAlarms | PostureAlarms)[];
  /** Rebuilt. */
  readonly #keys: DispatchKeys;

  constructor(state: DurableObjectState, env: Env) {
    super(state, env);
    this.#store = new HostStore(state.storage.sql);
    this.#db = openDatabase(env.DB);
    this.#trust = trustLogOf(this.#db);
    this.#courier = new TrustCourier(this.#trust);
    this.#keys = new DispatchKeys(env);
    this.#telemetry = new LatestTelemetry(this.#store);
    this.#wake = new Wake(state.storage);
    this.#books = new Books({ env, storage: state.storage, store: this.#store, wake: this.#wake });
    this.#tunnels = new Tunnels(state);
    this.#pages = new Pages(state);
    this.#live = new Live({ store: this.#store, pages: this.#pages, row: () => this.#ownRow() });
    const [isAdmitted, outbox] = [this.#isAdmitted.bind(this), (): Outbox => this.#books.outbox];
    this.#commands = new HostCommands({
      store: this.#store,
      books: this.#books,
      answers: this.#answers,
      live: this.#live,
      signer: (open, seen) => this.#signerFor(open, seen),
      tunnel: () => this.#tunnel(),
      isAdmitted,
      waitUntil: (work) => state.waitUntil(work),
    });
    this.#alarms = alarmsOf(env, () => this.#store.requireIdentity().workspace);
    this.#listeners = [new GatewayAlarms(this.#alarms, this.#store), new PostureAlarms(this.#alarms, this.#store)];
    this.#rivals = new Rivals({
      first: () => this.#tunnel(),
      ended: ({ socket }) => this.webSocketClose(socket),
      cloneSuspected: (host) => state.waitUntil(this.#alarms.raise({ kind: "host.cloned", subject: host, host })),
    });
    this.#words = new Words({
      store: this.#store,
      asked: { prepares: this.#prepares, reads: this.#reads },
      outbox,
      durable: () => state.storage.sync(),
      pushCommand: (intent) => this.#commands.changed(intent),
      alarms: this.#alarms,
    });
    const trust = (workspace: string): Promise<TrustState | undefined> => this.#trust.current(workspace);
    this.#witnessing = new Witnessing({ env, store: this.#store, outbox, alarms: this.#alarms, trust });
    this.#certificates = new Certificates({
      store: this.#store,
      db: this.#db,
      authority: () => authorityOf(env),
      books: this.#books,
      isAdmitted,
    });
    // Keep-alive is answered by the runtime, so that an idle tunnel never wakes this object.
    state.setWebSocketAutoResponse(new WebSocketRequestResponsePair(PING, PONG));
  }

  // ---- sockets ----

  /** Upgrades only, and only from the Worker, which says in a header whose socket it is. */
  override async fetch(request: Request): Promise<Response> {
    const opening = sockets.decodeOpening(request.headers.get(sockets.SOCKET_HEADER));
    this.#store.identify(opening);
    const [client, server] = Object.values(new WebSocketPair()) as [WebSocket, WebSocket];
    if (opening.kind === "agent") {
      this.#tunnels.accept(server, opening);
      return new Response(null, { status: 101, webSocket: client });
    }
    await this.#acceptPage(server, opening);
    return new Response(null, {
      status: 101,
      webSocket: client,
      headers: { "sec-websocket-protocol": LIVE_SUBPROTOCOL },
    });
  }

  async #acceptPage(socket: WebSocket, opening: sockets.PageOpening): Promise<void> {
    this.ctx.acceptWebSocket(socket, [sockets.pageTag(opening.session)]);
    sockets.keepAttachment(socket, opening);
    const { workspace, session } = opening;
    // Whoever ended the session, or took the right to look away, may have come before this socket was there to be closed.
    const [trust, isOpen] = await Promise.all([
      this.#trust.current(workspace),
      this.env.SESSIONS.getByName(workspace).isOpen(session),
    ]);
    if (!isOpen) return this.#pages.endSession(session);
    if (trust !== undefined) this.#pages.review(trust, edgeSeconds());
    const row = await this.row(opening.workspace, opening.host, true);
    if (row !== undefined) sockets.trySend(socket, JSON.stringify({ kind: "host", row, now: edgeSeconds() }));
  }

  override async webSocketMessage(socket: WebSocket, message: string | ArrayBuffer): Promise<void> {
    const attachment = sockets.readAgent(socket);
    if (attachment === undefined) return sockets.tryClose(socket, sockets.CLOSE.violation, "pages only listen");
    // What was on its way when we closed is not heard any more.
    if (socket.readyState !== WebSocket.OPEN) return;
    try {
      const frame = this.#gate.read(attachment.tunnel, message);
      this.#telemetry.heard();
      this.#rivals.heard(attachment.tunnel);
      await this.#receive({ socket, attachment }, frame);
    } catch (error) {
      closeAfter(error, { socket, attachment });
    }
  }

  override async webSocketClose(socket: WebSocket): Promise<void> {
    const attachment = sockets.readAgent(socket);
    if (attachment !== undefined) this.#gate.forget(attachment.tunnel);
    if (attachment?.phase !== "welcomed") return;
    sockets.keepAttachment(socket, { ...attachment, phase: "challenged" }); // counted as closed once, whoever tells of it
    this.#telemetry.heard(this.#tunnels.lastPingOf(socket) ?? 0); // answered by the runtime while this object slept
    this.#telemetry.persist();
    this.#rivals.gone(attachment.tunnel);
    if (this.#tunnel() === undefined) {
      this.#prepares.settleAll({ kind: "offline" });
      this.#answers.settleAll();
      this.#reads.settleAll({ kind: "offline" });
    }
    await this.#recordConnection("host.disconnected", attachment);
  }

  override async webSocketError(socket: WebSocket): Promise<void> {
    await this.webSocketClose(socket);
  }

  override async alarm(): Promise<void> {
    this.#wake.fired();
    const identity = this.#store.requireIdentity();
    await this.#commands.resume(identity);
    await this.#books.outbox.flush();
    if (this.#store.hasUnfinished()) this.#wake.keep();
  }

  // ---- frames ----

  async #receive(open: OpenTunnel, frame: OutwardFrame): Promise<void> {
    const { phase } = open.attachment;
    if (frame.kind === "hello") {
      if (phase !== "challenged") throw new MalformedError("a second hello");
      return this.#greet(open, frame.signed);
    }
    if (phase !== "welcomed") throw new MalformedError("a frame before the handshake");
    switch (frame.kind) {
      case "trust-want":
        return this.#courier.answer(open, frame.after);
      case "trust-ack":
        await this.#courier.repair(open, await this.#words.trustAck(open, frame.signed));
        return this.#live.pushRow();
      case "farewell":
        return this.#words.farewell(open, frame.signed);
      case "refused":
        return this.#words.refused(open, frame);
      case "certificate-request":
        return this.#certificates.request(open, frame.signed);
      default:
        // A quarantined or removed host takes no part: its words and figures are nobody's business.
        if (this.#isAskedFor(frame) || (await this.#isAdmitted(open.attachment)))
          await this.#receiveAdmitted(open, frame);
    }
  }

  /** The answer to a request that waits for it is judged by the state of that request, like all else in it. */
  #isAskedFor({ kind }: AdmittedFrame): boolean {
    if (kind === "reading") return this.#reads.isAwaited;
    return (kind === "prepared" && this.#prepares.isAwaited) || (kind === "receipt" && this.#answers.isAwaited);
  }

  async #receiveAdmitted(open: OpenTunnel, frame: AdmittedFrame): Promise<void> {
    switch (frame.kind) {
      case "prepared":
        return this.#words.prepared(open, frame.signed);
      case "receipt":
        return this.#words.receipt(open, frame);
      case "telemetry":
        this.#telemetry.set(frame.telemetry);
        if (!this.#pages.isEmpty) this.#watching.look(open);
        for (const one of this.#listeners) this.ctx.waitUntil(one.heard(open.attachment.host, frame.telemetry));
        return this.#live.pushRow();
      case "reading":
        return this.#reads.take(open.attachment, frame);
      case "look":
        return this.#looks().look(open, frame.signed);
      case "history":
        return new History(this.#store).add(frame.samples);
      default:
        return this.#witnessing.receive(open, frame);
    }
  }

  #looks(): Looks {
    return new Looks({
      store: this.#store,
      trust: (workspace) => this.#trust.current(workspace),
      signer: (open) => this.#signerFor(open),
      connect: wayToKnock(this.env),
      waitUntil: (work) => this.ctx.waitUntil(work),
    });
  }

  async #greet({ socket, attachment }: OpenTunnel, signed: Signed): Promise<void> {
    const hello = await judgeHello(attachment, signed);
    if (hello === undefined) throw new MalformedError("hello does not verify");
    if (hello === "foreign")
      return sockets.tryClose(socket, sockets.CLOSE.foreign, "the certificate is another host's");
    sockets.keepAttachment(socket, { ...attachment, phase: "rival" });
    if (!(await this.#rivals.yieldTo({ socket, attachment }))) return;
    const trust = await this.#courier.bring({ socket, attachment }, hello.trustHead);
    const signer = await this.#keys.fitting(trust);
    // Whatever another key signed, the host would take for an impostor's: it tries again later.
    if (signer === undefined) return sockets.tryClose(socket, sockets.CLOSE.unable, "no key that the trust log names");
    const welcome = await writeWelcome(attachment, hello, signer);
    if (this.#tunnel() !== undefined) return this.#rivals.refuse({ socket, attachment });
    const welcomed: sockets.AgentAttachment = { ...attachment, phase: "welcomed", trustSent: trust.head.n };
    sockets.keepAttachment(socket, welcomed);
    sockets.trySend(socket, welcome);
    if (attachment.isFirstUse === true) {
      await this.#certificates.firstUse(attachment);
      this.ctx.waitUntil(this.#certificates.tellRevocations());
    }
    logStep("tunnel-open", { host: attachment.host, tunnel: attachment.tunnel });
    await this.#recordConnection("host.connected", attachment);
    if (!trust.hosts.has(attachment.host)) return;
    this.ctx.waitUntil(this.#alarms.look());
    if (!this.#pages.isEmpty) this.#watching.look({ socket, attachment });
    await sendSessionEnds(socket, this.env.SESSIONS.getByName(attachment.workspace));
    await this.#commands.advance();
    await this.#witnessing.showNewest({ socket, attachment: welcomed });
  }

  // ---- calls of the Worker ----

  /** How this host is shown; undefined when it never joined. `isLookedAt`: by a person, who wants figures of now. */
  async row(workspace: string, host: string, isLookedAt = false): Promise<HostRow | undefined> {
    this.#store.identify({ workspace, host });
    const [joined, trust] = await Promise.all([findHost(this.#db, workspace, host), this.#trust.current(workspace)]);
    if (joined === undefined || trust === undefined) return undefined;
    if (isLookedAt && trust.hosts.has(host)) this.#watching.look(this.#tunnel());
    return composeRow(joined, trust, { store: this.#store, telemetry: this.#telemetry, tunnels: this.#tunnels });
  }

  /** Asks a host, which the caller has just found admitted, for a challenge and waits for its word. */
  async prepare(identity: Identity, call: PrepareCall): Promise<PrepareAnswer> {
    this.#store.identify(identity);
    const { digest } = call;
    const frame = prepareFrame(call);
    return this.#prepares.wait(digest, () => {
      const tunnel = this.#tunnel();
      return tunnel !== undefined && sockets.trySend(tunnel.socket, frame);
    });
  }

  /** Asks a host, which the caller has just found admitted, and collects what it seals for whoever asked. */
  async read(identity: Identity, call: ReadCall): Promise<ReadAnswer> {
    this.#store.identify(identity);
    const frame = readFrame(call);
    return this.#reads.wait(call.digest, () => {
      const tunnel = this.#tunnel();
      return tunnel !== undefined && sockets.trySend(tunnel.socket, frame);
    });
  }

  /**
   * Records an accepted intent for a host that the caller has just found admitted, gives it its place, delivers it if the
   * host is there, and waits a moment for the receipt; undefined when the ledger could not be written, and then nothing
   * happened. Again with the same intent: its state. `seen`: head of the trust log by which the caller's request is judged.
   */
  async submit(identity: Identity, command: NewCommand, seen?: TrustHead): Promise<CommandStatus | undefined> {
    this.#store.identify(identity);
    return this.#commands.submit(identity, command, seen);
  }

  status(identity: Identity, intent: string): CommandStatus | undefined {
    this.#store.identify(identity);
    return this.#commands.status(identity, intent);
  }

  /** Canonical JSON of what the person signed, exactly as it was submitted. */
  submission(identity: Identity, intent: string): string | undefined {
    this.#store.identify(identity);
    return this.#store.command(intent)?.submission;
  }

  /** For a person, who wants figures of now: a host that hears it says what it has not said yet. */
  history(identity: Identity, range: HistoryRange): HistoryAnswer {
    this.#store.identify(identity);
    this.#watching.look(this.#tunnel());
    return new History(this.#store).read(range);
  }

  /** A statement was accepted: the host gets it now, and loses its tunnel if the statement removed it. */
  async trustChanged(identity: Identity): Promise<void> {
    this.#store.identify(identity);
    this.#answers.settleAll(); // what they were judged by is over
    const trust = await this.#trust.current(identity.workspace);
    if (trust === undefined) return;
    this.#pages.review(trust, edgeSeconds());
    const open = this.#tunnel();
    if (open !== undefined && (await this.#courier.bringChange(open)).removedHosts.has(identity.host))
      sockets.tryClose(open.socket, sockets.CLOSE.removed, "removed from the workspace");
    await this.#live.pushRow();
  }

  /** The log was signed anew. A host that is away is shown the newest when it comes. */
  async showCheckpoint(note: string): Promise<void> {
    const open = this.#store.identity() === undefined ? undefined : this.#tunnel();
    if (open === undefined) return;
    if ((await this.#courier.bringNew(open)).hosts.has(open.attachment.host)) this.#witnessing.show(open, note);
  }

  /** Its certificate is no longer good: the open tunnel rests on it. */
  closeTunnel(identity: Identity): void {
    this.#store.identify(identity);
    this.#tunnels.closeAll(sockets.CLOSE.removed, "the certificate is no longer good");
    this.ctx.waitUntil(this.#certificates.tellRevocations());
  }

  /** The edge goes away for a while: whoever is connected leaves, and comes back within the spread. True: was told. */
  drain(spreadSeconds: number): boolean {
    const { open } = this.#tunnels;
    return open !== undefined && sockets.trySend(open.socket, inwardFrames.encode({ kind: "drain", spreadSeconds }));
  }

  /** What the session watches is closed; with `end`, the host hears why its commands do not count any more. */
  endSession(identity: Identity, session: string, end?: SignedSessionEnd): void {
    this.#store.identify(identity);
    this.#pages.endSession(session);
    const open = this.#tunnel();
    if (end !== undefined && open !== undefined)
      sockets.trySend(open.socket, inwardFrames.encode({ kind: "session-end", end }));
  }

  // ---- inside ----

  #tunnel(): OpenTunnel | undefined {
    return this.#tunnels.open;
  }

  async #isAdmitted({ workspace, host }: Identity): Promise<boolean> {
    const trust: TrustState | undefined = await this.#trust.current(workspace);
    return trust?.hosts.has(host) ?? false;
  }

  /** What the host must know to accept the signature goes before it. */
  async #signerFor(open: OpenTunnel, seen?: TrustHead): Promise<Signer | undefined> {
    return this.#keys.fitting(await this.#courier.bringNew(open, seen));
  }

  async #recordConnection(
    action: "host.connected" | "host.disconnected",
    attachment: sockets.AgentAttachment,
  ): Promise<void> {
    const carried = this.#books.connection(action, attachment);
    await this.#live.pushRow();
    await carried;
  }

  #ownRow(): Promise<HostRow | undefined> {
    const { workspace, host } = this.#store.requireIdentity();
    return this.row(workspace, host);
  }
}
