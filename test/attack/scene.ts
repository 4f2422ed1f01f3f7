/**
 * One running scenario: the agent process, the malicious edge it dialled, the canary behind it. Offers the moves that
 * an edge has (prepare, deliver, trust, any frame), tells what became of each, and lets the honest people work.
 */
import { rmSync } from "node:fs";
import { fromBase64url, toBase64url } from "../../protocol/bytes.ts";
import { encodeCanonical } from "../../protocol/canonical.ts";
import { assertedCodec, preparedCodec, receiptCodec, type Prepared, type Signed } from "../../protocol/messages.ts";
import { digestOf, verifySignature, type Signer } from "../../protocol/signing.ts";
import type { TrustPage } from "../../protocol/trust/statements.ts";
import { helloCodec, type Hello, type OutwardFrame } from "../../protocol/tunnel.ts";
import { signed } from "../fixtures/keys.ts";
import { draftCommand, OPERATION, sealCommand, type CommandDraft, type SealedCommand } from "../fixtures/command.ts";
import { asserted, type Fields } from "../fixtures/workspace.ts";
import { intentOf, intentOfReceipt } from "./captured.ts";
import { AgentDirectory, AgentProcess, type RunningAgent } from "./agent-process.ts";
import { Canary } from "./canary.ts";
import { Happenings, type Happening } from "./happenings.ts";
import { MaliciousEdge, type Listening, type TlsMaterial, type Tunnel } from "./malicious-edge.ts";
import { SplitAgent } from "./split-agent.ts";
import type { ClaimedTunnel, TakenLink } from "./taken-link.ts";
import { wallNow, type Actor, type Town } from "./town.ts";

/**
 * What became of a move: a refusal code, `tunnel.<code>` when the agent closed the tunnel over it, `trust.<code>` for
 * statements, `known` for a stored receipt said again, `executed`, or `silence`.
 */
export type Outcome = string;

export interface SceneOptions {
  readonly town: Town;
  readonly tls: TlsMaterial;
  /** The built agent. */
  readonly program: string;
  /**
   * `one`: the agent as one process; when absent. `split`: as on an installed host. `taken-link`: as there, with the attacker in
   * the link's place, so that what an edge would send goes to the warden's own socket.
   */
  readonly agent?: "one" | "split" | "taken-link" | undefined;
  readonly listening?: Listening;
  /** What the edge tells of the trust log at the first connection; everything when absent. */
  readonly trust?: TrustPage;
}

interface Held {
  readonly challenge: string;
  /** Host clock, seconds, at the answer. */
  readonly now: number;
  readonly at: number;
}

/** The critical operation that changes nothing. */
export const DRILL = "host.drill@1";

/** A held challenge is replaced well before the host lets it die. */
const HOLD_MILLISECONDS = 200_000;

let nonces = 0;
export function freshNonce(): string {
  nonces += 1;
  return digestOf("intent", encodeCanonical({ fresh: nonces, at: process.hrtime.bigint().toString() }));
}

export class Scene {
  readonly options: SceneOptions;
  readonly town: Town;
  readonly canary: Canary;
  readonly happenings: Happenings;
  readonly directory: AgentDirectory;
  /** Digests that ran, honestly or not. */
  readonly ran = new Set<string>();
  /** How many of the honest people's own commands ran, and how many of these were restarts. */
  #honestRuns = 0;
  #honestRestarts = 0;
  readonly edge: MaliciousEdge | TakenLink;
  readonly #root: string | undefined;
  #agent: RunningAgent | undefined;
  #tunnel: Tunnel | ClaimedTunnel | undefined;
  #startedAt = 0;
  hello: Hello | undefined;
  readonly #held = new Map<string, Held>();

  private constructor(
    options: SceneOptions,
    parts: {
      readonly canary: Canary;
      readonly edge: MaliciousEdge | TakenLink;
      readonly happenings: Happenings;
      readonly root: string | undefined;
    },
  ) {
    this.options = options;
    this.town = options.town;
    this.canary = parts.canary;
    this.edge = parts.edge;
    this.happenings = parts.happenings;
    this.#root = parts.root;
    this.directory =
      parts.root === undefined ? new AgentDirectory() : new AgentDirectory(SplitAgent.dataOf(parts.root));
  }

  /** Everything is there, nothing is connected yet. */
  static async set(options: SceneOptions): Promise<Scene> {
    const happenings = new Happenings();
    const root = options.agent === "split" || options.agent === "taken-link" ? SplitAgent.makeRoot() : undefined;
    const edge =
      root !== undefined && options.agent === "taken-link"
        ? SplitAgent.takenLink(root, options.tls.client, happenings)
        : await MaliciousEdge.listen(
            { address: options.tls.place.address, ...(options.listening ?? { server: options.tls.server }) },
            happenings,
          );
    const scene = new Scene(options, { canary: await Canary.open(), edge, happenings, root });
    const { client, edgeAuthority, place } = options.tls;
    scene.directory.write({
      host: {
        v: 1,
        edge: `wss://${place.host}:${String(edge.port)}`,
        workspace: scene.town.world.workspace,
        host: scene.town.world.host,
        label: "host",
        colocated: false,
        gateway: { kind: "local", url: scene.canary.url },
      },
      tls: {
        v: 1,
        key: client.key,
        certificate: `${client.cert}\n`,
        ...(place.isPinned ? { edgeCa: edgeAuthority.certificate } : {}),
      },
    });
    if (!place.isPinned) scene.directory.trustSystemwide(edgeAuthority.certificate);
    scene.startAgent();
    return scene;
  }

  /** Set, connected and welcomed; set once more when that failed, because nobody has attacked anything yet. */
  static async open(options: SceneOptions): Promise<Scene> {
    try {
      return await Scene.#joined(options);
    } catch (error) {
      if (!(error instanceof Error) || error instanceof TypeError) throw error;
      console.error(`Second try  to set a scene: first ${error.message.split("\n", 1)[0] ?? ""}`);
      return Scene.#joined(options);
    }
  }

  static async #joined(options: SceneOptions): Promise<Scene> {
    const scene = await Scene.set(options);
    try {
      await scene.join(options.trust);
      return scene;
    } catch (error) {
      await scene.close();
      throw error;
    }
  }

  get tunnel(): Tunnel | ClaimedTunnel {
    if (this.#tunnel === undefined) throw new TypeError("scene: no tunnel yet");
    return this.#tunnel;
  }

  /**
   * Executions that nobody approved, by two witnesses: the gateway that was restarted, and the agent's own word that it
   * is about to carry something out, whatever it is.
   */
  get unapproved(): number {
    return Math.max(this.canary.restarts - this.#honestRestarts, this.happenings.executions - this.#honestRuns);
  }

  /** Both canaries saw exactly what the honest people did: neither more, nor too little to have seen an attack. */
  get isEven(): boolean {
    return this.canary.restarts === this.#honestRestarts && this.happenings.executions === this.#honestRuns;
  }

  /** An honest command ran. */
  noteHonest(operation = OPERATION): void {
    this.#honestRuns += 1;
    if (operation === OPERATION) this.#honestRestarts += 1;
  }

  startAgent(): void {
    this.#startedAt = this.happenings.mark;
    this.#agent =
      this.#root === undefined
        ? new AgentProcess(this.options.program, this.directory, this.happenings)
        : new SplitAgent(this.#root, this.options, {
            happenings: this.happenings,
            gateway: this.canary.url,
            environment: this.directory.environment,
          });
  }

  /** `between`: what happens to the host's files while nobody can write them. */
  async restartAgent(signal: "SIGTERM" | "SIGKILL" = "SIGTERM", between?: () => void): Promise<void> {
    await this.#agent?.end(signal);
    between?.();
    await this.#tunnel?.closed; // or what comes next would be answered by the end of this one
    this.edge.forget();
    this.#held.clear();
    this.startAgent();
  }

  /** After an attack that came to something unexpected: an agent that starts, and the whole trust log. */
  async beginAgain(): Promise<void> {
    this.directory.forgetTrust();
    await this.restartAgent("SIGKILL");
    await this.join(this.options.trust);
  }

  async close(): Promise<void> {
    await this.#agent?.end("SIGKILL");
    await this.edge.close();
    await this.canary.close();
    this.directory.remove();
    if (this.#root !== undefined) rmSync(this.#root, { recursive: true, force: true });
  }

  /** The agent's next connection, with nothing said on it yet. */
  async meet(): Promise<Tunnel | ClaimedTunnel> {
    const mark = this.#startedAt;
    const ended = this.happenings.first(mark, (item) => (item.kind === "ended" ? item : undefined));
    const arrived = await Promise.race([this.edge.next(), ended]);
    if (arrived === undefined || "kind" in arrived) {
      const said = this.happenings.since(mark).map((item) => JSON.stringify(item));
      throw new Error(`scene: the agent did not dial:\n${said.join("\n")}`);
    }
    this.#tunnel = arrived;
    return arrived;
  }

  /** Challenge and hello. */
  async greet(): Promise<Hello> {
    const { tunnel, happenings } = this;
    const mark = happenings.mark;
    tunnel.send({ kind: "challenge", edgeNonce: tunnel.edgeNonce, tunnel: tunnel.tunnel });
    const frame = await this.#frame(mark, (seen) => (seen.kind === "hello" ? seen : undefined));
    if (frame === undefined) throw new Error("scene: the agent said no hello");
    this.hello = helloCodec.decode(fromBase64url(frame.signed.body));
    return this.hello;
  }

  /** The welcome that an edge with the dispatch key writes; `change` bends its body. */
  async welcome(change: Fields = {}, signer: Signer = this.town.world.keys.dispatch): Promise<Signed> {
    const { tunnel, hello } = this;
    if (hello === undefined) throw new TypeError("scene: no hello yet");
    const { workspace, host } = this.town.world;
    const { edgeNonce, certFingerprint } = tunnel;
    const body = { v: 1, workspace, host, tunnel: tunnel.tunnel, certFingerprint, hostNonce: hello.nonce, edgeNonce };
    return signed(signer, "welcome", encodeCanonical({ ...body, ...change }));
  }

  /** A whole proper handshake on the agent's next connection. */
  async join(trust: TrustPage = this.wholeTrust()): Promise<void> {
    await this.meet();
    await this.greet();
    const mark = this.happenings.mark;
    this.tunnel.send({ kind: "trust", page: trust });
    this.tunnel.send({ kind: "welcome", signed: await this.welcome() });
    const ack = await this.#frame(mark, (seen) => (seen.kind === "trust-ack" ? seen : undefined));
    if (ack === undefined) throw new Error(`scene: not welcomed: ${JSON.stringify(this.happenings.since(mark))}`);
  }

  wholeTrust(): TrustPage {
    const { root, statements } = this.town.world;
    return { root, statements: [...statements] };
  }

  #frame<T>(mark: number, read: (frame: OutwardFrame) => T | undefined): Promise<T | undefined> {
    return this.happenings.first(mark, (item) => (item.kind === "frame" ? read(item.frame) : undefined));
  }

  /** Sends a prepare frame as it is. `mark`: since when a closed tunnel counts as the answer. */
  async prepareRaw(
    prepare: Signed,
    session: string | undefined,
    { mark = this.happenings.mark, successor }: { readonly mark?: number; readonly successor?: string } = {},
  ): Promise<Outcome | Prepared> {
    const subject = digestOf("prepare", fromBase64url(prepare.body));
    this.tunnel.send({
      kind: "prepare",
      prepare,
      ...(session === undefined ? {} : { session }),
      ...(successor === undefined ? {} : { successor }),
    });
    const answer = await this.happenings.first<Outcome | Prepared | Happening>(mark, (item) => {
      if (item.kind === "closed" || item.kind === "ended") return item;
      if (item.kind !== "frame") return undefined;
      const { frame } = item;
      if (frame.kind === "refused" && frame.subject === subject) return frame.code;
      if (frame.kind !== "prepared") return undefined;
      const prepared = preparedCodec.decode(fromBase64url(frame.signed.body));
      return prepared.prepare === subject ? prepared : undefined;
    });
    if (answer === undefined) return "silence";
    return typeof answer === "object" && "kind" in answer ? this.#closing(mark) : answer;
  }

  /** An actor's own request for a challenge, sign-in included; `change` bends the body of the request. */
  async prepare(actor: Actor, change: Fields = {}, mark = this.happenings.mark): Promise<Outcome | Prepared> {
    const { workspace, host } = this.town.world;
    const honest = { v: 1, workspace, host, actor: { session: actor.digest }, operation: OPERATION };
    const body = { ...honest, jti: freshNonce(), ...change };
    const session = assertedCodec.encode(
      await asserted(actor.passkey, "session", { body: encodeCanonical(actor.session) }),
    );
    return this.prepareRaw(await signed(actor.sessionKey, "prepare", encodeCanonical(body)), toBase64url(session), {
      mark,
    });
  }

  /** A live challenge of the actor; the same one until it was spent or grows old. */
  async hold(actor: Actor, operation = OPERATION): Promise<Held> {
    const held = await this.keep(`${actor.id} ${operation}`, () => this.prepare(actor, { operation }));
    if (typeof held === "string") throw new Error(`scene: ${actor.id} got no challenge: ${held}`);
    return held;
  }

  /** What was prepared under a name, as long as it lives; prepared anew otherwise. A refusal is not kept. */
  async keep(name: string, prepare: () => Promise<Outcome | Prepared>): Promise<Held | Outcome> {
    const held = this.#held.get(name);
    if (held !== undefined && performance.now() - held.at < HOLD_MILLISECONDS) return held;
    const prepared = await prepare();
    if (typeof prepared === "string") return prepared;
    const fresh = { challenge: prepared.challenge, now: prepared.now, at: performance.now() };
    this.#held.set(name, fresh);
    return fresh;
  }

  letGo({ id }: { readonly id: string }, operation = OPERATION): void {
    this.#held.delete(`${id} ${operation}`);
  }

  letGoAll(): void {
    this.#held.clear();
  }

  /** An honest command of the actor as a draft, up to the minute, for this tunnel. */
  async draft(actor: Actor, operation = OPERATION): Promise<CommandDraft> {
    const { challenge } = await this.hold(actor, operation);
    return this.draftWith(actor, challenge, operation);
  }

  draftWith(actor: Actor, challenge: string, operation = OPERATION): CommandDraft {
    const draft = draftCommand(this.town.world);
    draft.session.passkey = actor.passkey;
    draft.session.body = { ...actor.session };
    draft.sessionSigner = actor.sessionKey;
    const args = operation === DRILL ? { scenario: "lost-device" } : {};
    Object.assign(draft.intent, { id: freshNonce(), operation, args });
    Object.assign(draft.target, {
      challenge,
      iat: wallNow() - 1,
      expect: operation === OPERATION ? { gatewayBoot: this.canary.boot } : {},
    });
    const [approval] = draft.approvals;
    if (approval === undefined) throw new TypeError("scene: a draft has an approval");
    approval.passkey = actor.passkey;
    approval.body["after"] = 1;
    Object.assign(draft.dispatch.body, { tunnel: this.tunnel.tunnel, certFingerprint: this.tunnel.certFingerprint });
    return draft;
  }

  seal(draft: CommandDraft): Promise<SealedCommand> {
    return sealCommand(this.town.world, draft);
  }

  /** Delivers bytes as an envelope and tells what became of them. */
  async deliver(envelope: Uint8Array): Promise<Outcome> {
    const mark = this.happenings.mark;
    this.send(envelope);
    return this.fate(mark, intentOf(envelope));
  }

  send(envelope: Uint8Array): void {
    this.tunnel.send({ kind: "deliver", number: 1, envelope: toBase64url(envelope) });
  }

  /** What became of one delivery. `digest` is undefined when nobody could name the intent. */
  async fate(mark: number, digest: string | undefined): Promise<Outcome> {
    const found = await this.happenings.first<OutwardFrame | string | Happening>(mark, (item) => {
      if (item.kind === "closed" || item.kind === "ended") return item;
      if (item.kind === "log") {
        const { line } = item;
        const isNameless = line["step"] === "refused" && line["intent"] === undefined && line["prepare"] === undefined;
        return isNameless ? String(line["code"]) : undefined;
      }
      const { frame } = item;
      if (frame.kind === "trust-want") this.tunnel.send({ kind: "trust", page: { statements: [] } });
      if (frame.kind === "refused" && frame.subject === digest) return frame;
      if (frame.kind === "receipt" && intentOfReceipt(frame.signed) === digest) return frame;
      return undefined;
    });
    if (found === undefined) return "silence";
    if (typeof found === "string") return found;
    if (found.kind === "closed" || found.kind === "ended") return this.#closing(mark);
    if (found.kind === "refused") return found.code;
    if (found.kind !== "receipt") return "silence";
    return this.#receipted(found);
  }

  /** A receipt counts only with the host's own signature. */
  async #receipted({ number, signed: receipt }: Extract<OutwardFrame, { kind: "receipt" }>): Promise<Outcome> {
    const body = fromBase64url(receipt.body);
    const { hostBody } = this.town.world;
    const isHosts = await verifySignature({
      kind: "receipt",
      body,
      signature: receipt.signature,
      publicKey: hostBody.hostKey,
    });
    if (!isHosts) return "receipt of nobody";
    this.tunnel.send({ kind: "ack", receipt: number });
    const { verdict, code, intent } = receiptCodec.decode(body);
    if (verdict === "refused") return code ?? "refused without a code";
    if (this.ran.has(intent)) return "known";
    this.ran.add(intent);
    // The agent's log is a pipe of its own and may be behind the socket: nothing that ran may be counted later.
    if (verdict !== "interrupted") await this.happenings.hasExecuted(intent);
    return verdict;
  }

  /** Why the agent closed the tunnel, by its own log (its pipe may be behind the socket). */
  async #closing(mark: number): Promise<Outcome> {
    const ending = await this.happenings.first(mark, (item) => {
      if (item.kind === "ended") return "agent ended";
      return item.kind === "log" && item.line["event"] === "tunnel_closed" ? String(item.line["code"]) : undefined;
    });
    const violation = this.happenings.logged(mark, (line) => line["event"] === "tunnel_violation");
    const closed = this.happenings.since(mark).find((item) => item.kind === "closed");
    const said = closed?.kind === "closed" && closed.reason !== "" ? closed.reason : ending;
    return `tunnel.${String(violation?.["code"] ?? said ?? "unknown")}`;
  }

  /** Waits until the agent closes the tunnel over what was sent since `mark`. */
  async closing(mark: number): Promise<Outcome> {
    const closed = await this.happenings.first(mark, (item) =>
      item.kind === "closed" || item.kind === "ended" ? item : undefined,
    );
    return closed === undefined ? "silence" : this.#closing(mark);
  }

  /** An honest person's own command, from prepare to receipt. */
  async honest(actor: Actor): Promise<{ readonly outcome: Outcome; readonly sealed: SealedCommand }> {
    const sealed = await this.seal(await this.draft(actor));
    return { outcome: await this.honestly(actor, sealed), sealed };
  }

  /** Delivers what an honest person sealed, and expects it to run. */
  async honestly(actor: Actor, sealed: SealedCommand): Promise<Outcome> {
    const outcome = await this.deliver(sealed.bytes);
    if (outcome === "executed") this.noteHonest();
    this.letGo(actor);
    return outcome;
  }
}
