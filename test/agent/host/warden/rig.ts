/**
 * A warden on real files with a bendable clock and a gateway of three lines, and an edge that plays the other end of
 * the tunnel honestly unless a test tells it otherwise.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { TrustStore } from "../../../../agent/host/warden/trust-store.ts";
import { ChallengeTable } from "../../../../agent/host/warden/challenges.ts";
import { openDenyList } from "../../../../agent/host/warden/deny-list.ts";
import type { WardenContext } from "../../../../agent/host/warden/deps.ts";
import { ReadGrants } from "../../../../agent/host/warden/grants.ts";
import { Journal } from "../../../../agent/host/warden/journal.ts";
import { readHostKeys } from "../../../../agent/host/warden/keys.ts";
import type { CertificateKeeper } from "../../../../agent/host/warden/renewal.ts";
import { SessionEnds } from "../../../../agent/host/warden/session-ends.ts";
import { WitnessFile } from "../../../../agent/host/witness/witness-file.ts";
import { openWarden, type Warden, type WardenTunnel } from "../../../../agent/host/warden/warden.ts";
import type { AppendIo } from "../../../../agent/host/warden/append-file.ts";
import type { GatewayReadings } from "../../../../agent/host/gateway/control-interface.ts";
import type { PostureControl } from "../../../../agent/host/posture/control-interface.ts";
import type { HostLogLine } from "../../../../agent/host/log.ts";
import { fromBase64url, toBase64url } from "../../../../protocol/bytes.ts";
import { encodeCanonical } from "../../../../protocol/canonical.ts";
import {
  assertedCodec,
  preparedCodec,
  receiptCodec,
  type Prepared,
  type Receipt,
  type Signed,
} from "../../../../protocol/messages.ts";
import { verifySignature } from "../../../../protocol/signing.ts";
import { applyRoot } from "../../../../protocol/trust/apply.ts";
import type { TrustPage } from "../../../../protocol/trust/statements.ts";
import { helloCodec, type Hello, type InwardFrame, type OutwardFrame } from "../../../../protocol/tunnel.ts";
import {
  CERT_FINGERPRINT,
  draftCommand,
  sealCommand,
  signedPrepare,
  TUNNEL,
  type CommandDraft,
  type SealedCommand,
} from "../../../fixtures/command.ts";
import { nonceOf, seedOf, signed } from "../../../fixtures/keys.ts";
import { applied, makeWorld, stated, type Fields, type World } from "../../../fixtures/workspace.ts";
import { FakeClock, FakeGateway } from "./fakes.ts";

export interface RigOptions {
  readonly world?: World;
  readonly directory?: string;
  readonly gateway?: FakeGateway;
  readonly clock?: FakeClock;
  readonly journalIo?: AppendIo;
  readonly trustIo?: AppendIo;
  readonly onTrust?: () => void;
  readonly sessionEndsIo?: AppendIo;
  readonly log?: (line: HostLogLine) => void;
  readonly denyList?: string;
  readonly readings?: GatewayReadings;
  readonly posture?: PostureControl;
  readonly certFingerprint?: string;
  readonly certificates?: CertificateKeeper;
  /** How time is waited out; at once unless given. */
  readonly wait?: (milliseconds: number) => Promise<void>;
}

/** A certificate without end: nobody asks for another one. */
export const NEVER_DUE: CertificateKeeper = {
  inUse: () => ({ fingerprint: CERT_FINGERPRINT, from: 0, until: Number.MAX_SAFE_INTEGER }),
  makeRequest: () => Promise.reject(new Error("nothing is due")),
  keep: () => undefined,
  retry: () => false,
};

let counter = 0;
let shared: Promise<World> | undefined;

/** One world for all tests of a file: making its passkeys takes longer than most tests. It is never changed. */
export function theWorld(): Promise<World> {
  shared ??= makeWorld();
  return shared;
}

function withIo(io: AppendIo | undefined): { readonly io?: AppendIo } {
  return io === undefined ? {} : { io };
}

export class Rig {
  readonly world: World;
  readonly directory: string;
  readonly gateway: FakeGateway;
  readonly clock: FakeClock;
  readonly context: WardenContext;
  readonly warden: Warden;
  readonly sent: OutwardFrame[] = [];
  readonly logged: HostLogLine[];
  readonly faults: unknown[];
  readonly certFingerprint: string;
  tunnel: WardenTunnel;

  private constructor(parts: {
    world: World;
    directory: string;
    gateway: FakeGateway;
    clock: FakeClock;
    context: WardenContext;
    warden: Warden;
    logged: HostLogLine[];
    faults: unknown[];
    certFingerprint: string;
  }) {
    this.certFingerprint = parts.certFingerprint;
    this.world = parts.world;
    this.directory = parts.directory;
    this.gateway = parts.gateway;
    this.clock = parts.clock;
    this.context = parts.context;
    this.warden = parts.warden;
    this.logged = parts.logged;
    this.faults = parts.faults;
    this.tunnel = this.connect();
  }

  /** A new tunnel. */
  connect(certFingerprint = this.certFingerprint): WardenTunnel {
    return this.warden.connect((frame) => this.sent.push(frame), certFingerprint);
  }

  static async open(options: RigOptions = {}): Promise<Rig> {
    const world = options.world ?? (await theWorld());
    const directory = options.directory ?? temporary();
    writeKeys(directory);
    if (options.denyList !== undefined) writeFileSync(join(directory, "deny"), options.denyList, { mode: 0o600 });
    const gateway = options.gateway ?? new FakeGateway();
    const clock = options.clock ?? new FakeClock();
    const logged: HostLogLine[] = [];
    const faults: unknown[] = [];
    const keys = readHostKeys(join(directory, "keys.json"));
    if (keys === undefined) throw new TypeError("rig: no keys");
    const nonce = (): string => nonceOf(`rig ${String((counter += 1))}`);
    const context: WardenContext = {
      workspace: world.workspace,
      keys,
      trust: await TrustStore.open({
        path: join(directory, "trust.jsonl"),
        pin: { workspace: world.workspace },
        ...withIo(options.trustIo),
      }),
      journal: Journal.open({
        path: join(directory, "journal.jsonl"),
        now: Math.floor(clock.wall() / 1_000),
        ...withIo(options.journalIo),
      }),
      challenges: new ChallengeTable({ clock, nonce }),
      sessionEnds: SessionEnds.open({
        path: join(directory, "session-ends.jsonl"),
        now: () => Math.floor(clock.wall() / 1_000),
        ...withIo(options.sessionEndsIo),
      }),
      witnessFile: WitnessFile.open(join(directory, "witness.json")),
      denyList: openDenyList({ path: join(directory, "deny"), ownUid: process.getuid?.() ?? 0 }),
      clock,
      nonce,
      hostBoot: nonce(),
      certificates: options.certificates ?? NEVER_DUE,
      activeSessions: () => Promise.resolve(2),
      gateway,
      readings: options.readings,
      posture: options.posture,
      grants: new ReadGrants(clock),
      wait: options.wait ?? (() => new Promise((resolve) => setImmediate(resolve))),
      log: (line) => {
        logged.push(line);
        options.log?.(line);
      },
    };
    const warden = openWarden({
      context,
      onFault: (error) => faults.push(error),
      ...(options.onTrust === undefined ? {} : { onTrust: options.onTrust }),
    });
    const { certFingerprint = CERT_FINGERPRINT } = options;
    return new Rig({ world, directory, gateway, clock, context, warden, logged, faults, certFingerprint });
  }

  /** A second process over the same files. */
  async reopen(options: RigOptions = {}): Promise<Rig> {
    await this.warden.stop();
    return Rig.open({
      world: this.world,
      directory: this.directory,
      gateway: this.gateway,
      clock: this.clock,
      ...options,
    });
  }

  async close(): Promise<void> {
    await this.warden.stop();
    rmSync(this.directory, { recursive: true, force: true });
  }

  /** What its clock says. */
  wallSeconds(): number {
    return Math.floor(this.clock.wall() / 1_000);
  }

  page(): TrustPage {
    return { root: this.world.root, statements: [...this.world.statements] };
  }

  receive(frame: InwardFrame): Promise<void> {
    return this.tunnel.receive(frame);
  }

  /** A new tunnel, from challenge to welcome. `change` bends the welcome before it is signed. */
  async welcome(change: Fields = {}, signer = this.world.keys.dispatch): Promise<void> {
    this.tunnel = this.connect();
    const hello = await this.challenge();
    await this.receive({ kind: "trust", page: this.page() });
    await this.receive({ kind: "welcome", signed: await this.signWelcome(hello, change, signer) });
  }

  async challenge(): Promise<Hello> {
    await this.receive({ kind: "challenge", edgeNonce: nonceOf("edge nonce"), tunnel: TUNNEL });
    const frame = this.last("hello");
    const body = fromBase64url(frame.signed.body);
    const isOwn = await verifySignature({
      kind: "hello",
      body,
      signature: frame.signed.signature,
      publicKey: this.world.keys.host.publicKey,
    });
    if (!isOwn) throw new Error("hello is not signed by the host key");
    return helloCodec.decode(body);
  }

  signWelcome(hello: Hello, change: Fields = {}, signer = this.world.keys.dispatch): Promise<Signed> {
    const body = {
      v: 1,
      workspace: this.world.workspace,
      host: this.world.host,
      tunnel: hello.tunnel,
      certFingerprint: CERT_FINGERPRINT,
      hostNonce: hello.nonce,
      edgeNonce: hello.edgeNonce,
      ...change,
    };
    return signed(signer, "welcome", encodeCanonical(body));
  }

  /** Asks for a challenge with an honest session, or a bent one. */
  async prepare(change: Fields = {}, bend: (draft: CommandDraft) => void = () => undefined): Promise<OutwardFrame> {
    const command = await this.seal(bend);
    const prepare = await signedPrepare(this.world, command.session, {
      jti: nonceOf(`jti ${String((counter += 1))}`),
      ...change,
    });
    return this.prepareWith(prepare, toBase64url(assertedCodec.encode(command.submission.session)));
  }

  /** `session` is absent for an automation key. */
  async prepareWith(prepare: Signed, session?: string): Promise<OutwardFrame> {
    const before = this.sent.length;
    await this.receive({ kind: "prepare", prepare, ...(session === undefined ? {} : { session }) });
    await until(() => this.sent.length > before);
    const frame = this.sent.at(-1);
    if (frame === undefined) throw new Error("no answer");
    return frame;
  }

  async prepared(change: Fields = {}): Promise<Prepared> {
    const frame = await this.prepare(change);
    if (frame.kind !== "prepared") throw new Error(`not prepared: ${JSON.stringify(frame)}`);
    // The fixtures' person presses three seconds after the page got the answer.
    this.clock.advance(4);
    return preparedCodec.decode(fromBase64url(frame.signed.body));
  }

  /** A sealed command in this rig's world; sessions come out the same every time. */
  seal(bend: (draft: CommandDraft) => void = () => undefined): Promise<SealedCommand> {
    const draft = draftCommand(this.world);
    bend(draft);
    return sealCommand(this.world, draft);
  }

  /** An honest envelope for a fresh challenge of this host; `bend` comes last. */
  async command(bend: (draft: CommandDraft) => void = () => undefined): Promise<SealedCommand> {
    const { challenge, now, facts, trustHead } = await this.prepared();
    return this.seal((draft) => {
      draft.intent = { ...draft.intent, trustHead, id: nonceOf(`intent ${String((counter += 1))}`) };
      draft.target = { ...draft.target, challenge, iat: now, expect: { gatewayBoot: facts.gatewayBoot } };
      bend(draft);
    });
  }

  /** Hands an envelope in and waits for the lane to be idle again. */
  async deliver(envelope: Uint8Array, number = 1): Promise<void> {
    await this.receive({ kind: "deliver", number, envelope: toBase64url(envelope) });
    await this.idle();
  }

  /** Everything that was handed in is over: the lane answers a probe that it refuses at once. */
  async idle(): Promise<void> {
    const before = this.logged.length;
    await this.receive({ kind: "deliver", number: 0, envelope: toBase64url(new Uint8Array([0x7b])) });
    await until(() =>
      this.logged.slice(before).some((line) => line["code"] === "malformed" || line["code"] === "target"),
    );
    await new Promise((resolve) => setImmediate(resolve));
  }

  receipts(): readonly Receipt[] {
    return this.sent.flatMap((frame) =>
      frame.kind === "receipt" ? [receiptCodec.decode(fromBase64url(frame.signed.body))] : [],
    );
  }

  lastReceipt(): Receipt {
    const receipt = this.receipts().at(-1);
    if (receipt === undefined) throw new Error("no receipt");
    return receipt;
  }

  last<K extends OutwardFrame["kind"]>(kind: K): Extract<OutwardFrame, { kind: K }> {
    const frame = this.sent.findLast((sent) => sent.kind === kind);
    if (frame === undefined) throw new Error(`no ${kind} was sent`);
    return frame as Extract<OutwardFrame, { kind: K }>;
  }
}

export function temporary(): string {
  return mkdtempSync(join(tmpdir(), "clawhold-warden-"));
}

export function writeKeys(directory: string): void {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const keys = { v: 1, hostSeed: toBase64url(seedOf("host")), cosignSeed: toBase64url(seedOf("host cosign")) };
  writeFileSync(join(directory, "keys.json"), JSON.stringify(keys), { mode: 0o600 });
}

/** Waits for something that another task of this process does. */
export async function until(isSo: () => boolean): Promise<void> {
  for (let turn = 0; turn < 20_000; turn += 1) {
    if (isSo()) return;
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  throw new Error("it never became so");
}

/** The shared world, but for its last statement: it admits the host with a cosignature key of somebody else. */
export async function worldOfForeignKey(): Promise<World> {
  const world = await theWorld();
  const root = await applyRoot(world.root, { workspace: world.workspace });
  if (!root.ok) throw new Error(root.code);
  const before = world.statements.slice(0, -1);
  let { state } = root;
  for (const statement of before) state = await applied(state, statement);
  const body = { ...world.hostBody, cosignKey: world.keys.stranger.publicKey };
  const admission = await stated({ state, by: world.people.ada.passkey }, { kind: "host.admit", body });
  return { ...world, statements: [...before, admission], state: await applied(state, admission) };
}
