/** A scripted host: joins and speaks on its tunnel exactly what a test tells it to, honest or not. */
import "reflect-metadata";
import * as x509 from "@peculiar/x509";
import { fromBase64url, toBase64url, toHex } from "../../protocol/bytes.ts";
import { encodeCanonical } from "../../protocol/canonical.ts";
import { ZERO_DIGEST } from "../../protocol/messages.ts";
import { digestOf, sha256Of, type Signer } from "../../protocol/signing.ts";
import { inwardFrames, joinAnswerCodec, type InwardFrame } from "../../protocol/tunnel.ts";
import type { TrustHead } from "../../protocol/fields.ts";
import { hostIdOf } from "../../protocol/words.ts";
import { signed, signerOf } from "../fixtures/keys.ts";
import type { Fields } from "../fixtures/workspace.ts";
import { adminOf, fresh, now, replyOf, type Edge, type Reply } from "./page.ts";

export interface JoinKnobs {
  readonly token?: string;
  readonly join?: Fields;
  readonly signer?: Signer;
  readonly csr?: Uint8Array;
}

type Kind = InwardFrame["kind"];
type FrameOf<K extends Kind> = Extract<InwardFrame, { kind: K }>;

export interface TlsRequest {
  readonly csr: Uint8Array;
  /** PEM. */
  readonly key: string;
}

export async function makeTlsRequest(namedCurve: "P-256" | "P-384" = "P-256"): Promise<TlsRequest> {
  x509.cryptoProvider.set(crypto);
  const algorithm = { name: "ECDSA", namedCurve, hash: "SHA-256" };
  const keys = (await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"])) as CryptoKeyPair;
  const request = await x509.Pkcs10CertificateRequestGenerator.create({
    name: "CN=ignored",
    keys,
    signingAlgorithm: algorithm,
  });
  const key = (await crypto.subtle.exportKey("pkcs8", keys.privateKey)) as ArrayBuffer;
  return { csr: new Uint8Array(request.rawData), key: x509.PemConverter.encode(key, "PRIVATE KEY") };
}

export async function makeCsr(namedCurve?: "P-256" | "P-384"): Promise<Uint8Array> {
  return (await makeTlsRequest(namedCurve)).csr;
}

export async function joinTokenOf(edge: Edge): Promise<string> {
  return String((await adminOf(edge, "/admin/join-token", {})).body["token"]);
}

/** As much of a WebSocket as every runtime has. */
export interface TunnelSocket {
  send(data: string | Uint8Array<ArrayBuffer>): void;
  close(code?: number): void;
  addEventListener(type: "message", listener: (event: { readonly data: unknown }) => void): void;
  addEventListener(type: "close", listener: (event: { readonly code: number; readonly reason: string }) => void): void;
}

export class HostPeer {
  readonly key: Signer;
  readonly cosign: Signer;
  readonly workspace: string;
  readonly edge: Edge;
  fingerprint = "";
  certificate: Uint8Array<ArrayBuffer> = new Uint8Array();
  /** PEM. */
  tlsKey = "";

  private constructor(edge: Edge, keys: { key: Signer; cosign: Signer }, workspace: string) {
    this.edge = edge;
    this.key = keys.key;
    this.cosign = keys.cosign;
    this.workspace = workspace;
  }

  static async at(edge: Edge, name: string, workspace: string): Promise<HostPeer> {
    return new HostPeer(edge, { key: await signerOf(name), cosign: await signerOf(`${name} cosign`) }, workspace);
  }

  get host(): string {
    return hostIdOf(this.key.publicKey);
  }

  get admission(): { host: string; hostKey: string; cosignKey: string; label: string; colocated: boolean } {
    return {
      host: this.host,
      hostKey: this.key.publicKey,
      cosignKey: this.cosign.publicKey,
      label: "box",
      colocated: false,
    };
  }

  async join(knobs: JoinKnobs = {}): Promise<Reply | undefined> {
    const tls = await makeTlsRequest();
    const body = encodeCanonical({
      v: 1,
      workspace: this.workspace,
      hostKey: this.key.publicKey,
      cosignKey: this.cosign.publicKey,
      label: "box",
      colocated: false,
      csr: toBase64url(knobs.csr ?? tls.csr),
      nonce: fresh(),
      ...knobs.join,
    });
    const { body: join, signature } = await signed(knobs.signer ?? this.key, "join", body);
    const request = encodeCanonical({ token: knobs.token ?? (await joinTokenOf(this.edge)), join, signature });
    const response = await this.edge.send(
      "agent",
      new Request("https://agents.test:4471/join", { method: "POST", body: request }),
    );
    if (response.status !== 200) return replyOf(response);
    const answer = joinAnswerCodec.decode(new Uint8Array(await response.arrayBuffer()));
    this.certificate = fromBase64url(answer.certificate);
    this.fingerprint = toHex(sha256Of(this.certificate));
    this.tlsKey = tls.key;
    return undefined;
  }

  async connect(): Promise<Tunnel> {
    return new Tunnel(this, await this.edge.connect(this));
  }

  /** Connects and shakes hands; the tunnel is welcome afterwards. */
  async open(trustHead?: TrustHead): Promise<Tunnel> {
    const tunnel = await this.connect();
    await tunnel.hello(trustHead === undefined ? {} : { trustHead });
    await tunnel.next("welcome");
    return tunnel;
  }

  async receipt(intent: string, change: Fields = {}, signer: Signer = this.key): Promise<Fields> {
    const body = encodeCanonical({
      v: 1,
      workspace: this.workspace,
      host: this.host,
      intent,
      verdict: "executed",
      number: 1,
      previous: ZERO_DIGEST,
      started: now(),
      ended: now(),
      observed: { gatewayBootBefore: "boot-0001", gatewayBootAfter: "boot-0002" },
      trustHead: { n: 1, hash: ZERO_DIGEST, revoked: ZERO_DIGEST },
      ...change,
    });
    return { kind: "receipt", number: change["number"] ?? 1, signed: await signed(signer, "receipt", body) };
  }
}

export class Tunnel {
  readonly peer: HostPeer;
  readonly socket: TunnelSocket;
  /** Every frame so far, in order. */
  readonly heard: InwardFrame[] = [];
  readonly #unread: InwardFrame[] = [];
  readonly #waiting: (() => void)[] = [];
  #closed: { readonly code: number; readonly reason: string } | undefined;

  constructor(peer: HostPeer, socket: TunnelSocket) {
    this.peer = peer;
    this.socket = socket;
    socket.addEventListener("message", ({ data }) => {
      const frame = inwardFrames.decode(String(data));
      this.heard.push(frame);
      this.#unread.push(frame);
      this.#wake();
    });
    socket.addEventListener("close", ({ code, reason }) => {
      this.#closed = { code, reason };
      this.#wake();
    });
  }

  /** The next frame of a kind; frames of other kinds before it are skipped. */
  async next<K extends Kind>(kind: K): Promise<FrameOf<K>> {
    for (;;) {
      const frame = this.#unread.shift();
      if (frame?.kind === kind) return frame as FrameOf<K>;
      if (frame !== undefined) continue;
      if (this.#closed !== undefined)
        throw new Error(`closed ${this.#closed.code} ${this.#closed.reason}, waiting for ${kind}`);
      await this.#change();
    }
  }

  async closed(): Promise<number> {
    while (this.#closed === undefined) await this.#change();
    return this.#closed.code;
  }

  say(frame: Fields): void {
    this.socket.send(new TextDecoder().decode(encodeCanonical(frame)));
  }

  /** Answers the challenge; `change` bends the body. */
  async hello(change: Fields = {}, signer: Signer = this.peer.key): Promise<void> {
    const { edgeNonce, tunnel } = await this.next("challenge");
    const { workspace, host } = this.peer;
    const body = encodeCanonical({
      v: 1,
      workspace,
      host,
      hostBoot: fresh(),
      lastReceipt: 0,
      lastAck: 0,
      nonce: fresh(),
      edgeNonce,
      tunnel,
      ...change,
    });
    this.say({ kind: "hello", signed: await signed(signer, "hello", body) });
  }

  /** Answers a prepare as an honest host with a live challenge does. */
  async answerPrepare(change: Fields = {}, signer: Signer = this.peer.key): Promise<string> {
    const { prepare } = await this.next("prepare");
    const subject = digestOf("prepare", fromBase64url(prepare.body));
    const body = encodeCanonical({
      v: 1,
      workspace: this.peer.workspace,
      host: this.peer.host,
      prepare: subject,
      challenge: fresh(),
      hostBoot: fresh(),
      now: now(),
      trustHead: { n: 0, hash: ZERO_DIGEST, revoked: ZERO_DIGEST },
      facts: { gatewayBoot: "boot-0001" },
      ...change,
    });
    this.say({ kind: "prepared", signed: await signed(signer, "prepared", body) });
    return subject;
  }

  async #change(): Promise<void> {
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }
}

export function telemetryOf(change: Fields = {}): Fields {
  return {
    v: 1,
    at: now(),
    gateway: { state: "running", demo: false, version: "2026.9.6", bootId: "boot-0001", listens: [] },
    host: {
      agentVersion: "0.1.0",
      platform: "linux",
      uptimeSeconds: 10,
      memoryTotalBytes: 1,
      memoryFreeBytes: 1,
      loadMilli: 1,
      cpus: 2,
      oneUser: true,
    },
    ...change,
  };
}
