/**
 * The far end of a tunnel over real TLS, saying exactly what a test tells it to: certificates of a private authority, a
 * WebSocket on `/tunnel`, and problems instead of an upgrade where a test wants them.
 */
import "reflect-metadata";
import { X509Certificate } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import type { TLSSocket } from "node:tls";
import * as x509 from "@peculiar/x509";
import { WebSocketServer, type WebSocket } from "ws";
import { makeAuthority, makeServerCertificate, type KeyPair } from "../../../../agent/edge/certificates.ts";
import { hexFingerprint } from "../../../../agent/host/link/edge-authority.ts";
import type { Dialling, TlsPair } from "../../../../agent/host/link/tls-pairs.ts";
import type { TlsFile } from "../../../../agent/host/state.ts";
import { encodeCanonical } from "../../../../protocol/canonical.ts";
import type { CertificateTerm } from "../../../../protocol/renewal.ts";
import type { Signer } from "../../../../protocol/signing.ts";
import {
  helloCodec,
  inwardFrames,
  joinAnswerCodec,
  joinCodec,
  joinRequestCodec,
  outwardFrames,
  type InwardFrame,
  type Join,
  type OutwardFrame,
} from "../../../../protocol/tunnel.ts";
import { fromBase64url, toBase64url } from "../../../../protocol/bytes.ts";
import { hostIdOf } from "../../../../protocol/words.ts";
import { nonceOf, signed } from "../../../fixtures/keys.ts";
import { TUNNEL } from "../../../fixtures/command.ts";
import type { Fields, World } from "../../../fixtures/workspace.ts";
import { issueClient } from "../../edge/fixtures/client-certificates.ts";
import { until } from "../warden/rig.ts";

export interface ScriptedEdge {
  readonly url: string;
  readonly tls: TlsFile;
  readonly fingerprint: string;
  readonly authority: KeyPair;
  /** Signs client certificates. */
  readonly agents: KeyPair;
  readonly connections: Connection[];
  /** Answers upgrades with this problem instead. */
  problem: { readonly status: number; readonly code: string } | undefined;
  /** Upgrades that were answered with a problem. */
  refused: number;
  /** What the edge's clock shows in its answers. */
  date: Date | undefined;
  /** Hosts that came to `/join`, in order, each with the fingerprint of the certificate it got. */
  readonly joined: { readonly join: Join; readonly fingerprint: string }[];
  /** The next connection that is opened. */
  next(): Promise<Connection>;
  stop(): Promise<void>;
}

export interface Connection {
  readonly socket: WebSocket;
  readonly frames: OutwardFrame[];
  readonly texts: string[];
  readonly closed: Promise<{ code: number; reason: string }>;
  /** True when the client showed a certificate of our authority. */
  readonly authorized: boolean;
  /** Of the certificate that it showed, lower-case hex. */
  readonly fingerprint: string | undefined;
  send(frame: InwardFrame): void;
  frame<K extends OutwardFrame["kind"]>(kind: K): Promise<Extract<OutwardFrame, { kind: K }>>;
}

export async function startScriptedEdge(names: readonly string[] = ["127.0.0.1"]): Promise<ScriptedEdge> {
  const now = new Date();
  const authority = await makeAuthority("test edge authority", now);
  const leaf = await makeServerCertificate(authority, names, now);
  const agents = await makeAuthority("test agent authority", now);
  const client = await issueClient(agents);
  const server: Server = createServer({
    key: leaf.key,
    cert: leaf.certificate + authority.certificate,
    ca: agents.certificate,
    requestCert: true,
    rejectUnauthorized: false,
    minVersion: "TLSv1.3",
  });
  const sockets = new WebSocketServer({ noServer: true });
  const connections: Connection[] = [];
  const edge: ScriptedEdge = {
    url: "",
    tls: { v: 1, key: pem(client.key), certificate: pem(client.cert), edgeCa: authority.certificate },
    fingerprint: client.fingerprint,
    authority,
    agents,
    connections,
    problem: undefined,
    refused: 0,
    date: undefined,
    joined: [],
    async next() {
      const before = connections.length;
      await until(() => connections.length > before);
      const connection = connections.at(-1);
      if (connection === undefined) throw new Error("no connection");
      return connection;
    },
    stop: () =>
      new Promise((resolve) => {
        for (const socket of sockets.clients) socket.terminate();
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  server.on("request", (request, response) => {
    if (request.url === "/join") {
      void letJoin(request, agents).then(({ answer, ...joined }) => {
        edge.joined.push(joined);
        response.writeHead(200).end(answer);
      });
      return;
    }
    if (edge.date !== undefined) response.setHeader("date", edge.date.toUTCString());
    const { status, code } = edge.problem ?? { status: 200, code: "fine" };
    response.writeHead(status).end(JSON.stringify({ status, code }));
  });
  server.on("upgrade", (request, socket, head) => {
    if (edge.problem !== undefined) {
      edge.refused += 1;
      const { status, code } = edge.problem;
      const body = JSON.stringify({ type: "about:blank", title: "\u001b[31mhostile prose", status, code, id: "x" });
      socket.end(
        `HTTP/1.1 ${String(status)} Refused\r\ncontent-type: application/problem+json\r\ncontent-length: ${String(body.length)}\r\nconnection: close\r\n\r\n${body}`,
      );
      return;
    }
    const client = request.socket as TLSSocket;
    const shown = client.getPeerX509Certificate();
    const fingerprint = shown === undefined ? undefined : hexFingerprint(shown);
    const { authorized } = client;
    sockets.handleUpgrade(request, socket, head, (opened) =>
      connections.push({ ...listen(opened), authorized, fingerprint }),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return Object.assign(edge, { url: `wss://127.0.0.1:${String((server.address() as AddressInfo).port)}` });
}

async function letJoin(
  request: IncomingMessage,
  agents: KeyPair,
): Promise<{ join: Join; fingerprint: string; answer: Uint8Array }> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  const join = joinCodec.decode(fromBase64url(joinRequestCodec.decode(Buffer.concat(parts)).join));
  const certificate = new X509Certificate(await issueFor(fromBase64url(join.csr), agents));
  const answer = joinAnswerCodec.encode({ host: hostIdOf(join.hostKey), certificate: toBase64url(certificate.raw) });
  return { join, fingerprint: hexFingerprint(certificate), answer };
}

/** The certificate that a request asks for. `term`: seconds since 1970. */
export async function issueFor(csr: Uint8Array, agents: KeyPair, term?: CertificateTerm): Promise<Uint8Array> {
  const request = new x509.Pkcs10CertificateRequest(new Uint8Array(csr));
  if (!(await request.verify())) throw new Error("the request does not prove its key");
  const issuer = new x509.X509Certificate(agents.certificate);
  const [key] = x509.PemConverter.decode(agents.key);
  const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: "01",
    subject: request.subject,
    issuer: issuer.subject,
    notBefore: new Date(term === undefined ? Date.now() - 60_000 : term.from * 1_000),
    notAfter: new Date(term === undefined ? Date.now() + 86_400_000 : term.until * 1_000),
    signingAlgorithm: algorithm,
    publicKey: request.publicKey,
    signingKey: await crypto.subtle.importKey("pkcs8", key ?? new ArrayBuffer(0), algorithm, false, ["sign"]),
    extensions: [new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.clientAuth], true)],
  });
  return new Uint8Array(certificate.rawData);
}

/** A pair that is dialled with whatever becomes of it. */
export function fixedPair(tls: TlsFile): Dialling {
  const fingerprint = hexFingerprint(new X509Certificate(tls.certificate));
  const pair: TlsPair = { tls, fingerprint, from: 0, until: Number.MAX_SAFE_INTEGER };
  return { next: () => pair, welcomed: () => undefined, failed: () => undefined };
}

function pem(text: string): string {
  return text.endsWith("\n") ? text : `${text}\n`;
}

function listen(socket: WebSocket): Omit<Connection, "authorized" | "fingerprint"> {
  const frames: OutwardFrame[] = [];
  const texts: string[] = [];
  socket.on("message", (data: Buffer) => {
    const text = data.toString("utf8");
    texts.push(text);
    if (text === "ping") return; // answered by tests that want to
    if (text.startsWith("{")) frames.push(outwardFrames.decode(text));
  });
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    socket.on("close", (code, reason) => resolve({ code, reason: reason.toString("utf8") }));
  });
  return {
    socket,
    frames,
    texts,
    closed,
    send: (frame) => socket.send(inwardFrames.encode(frame)),
    async frame(kind) {
      await until(() => frames.some((frame) => frame.kind === kind));
      return frames.findLast((frame) => frame.kind === kind) as never;
    },
  };
}

/** The honest handshake, or one with a bent welcome. */
export async function greet(
  connection: Connection,
  { world, fingerprint, change = {}, signer }: { world: World; fingerprint: string; change?: Fields; signer?: Signer },
): Promise<void> {
  connection.send({ kind: "challenge", edgeNonce: nonceOf("edge nonce"), tunnel: TUNNEL });
  const { signed: said } = await connection.frame("hello");
  const hello = helloCodec.decode(fromBase64url(said.body));
  connection.send({ kind: "trust", page: { root: world.root, statements: [...world.statements] } });
  const body = encodeCanonical({
    v: 1,
    workspace: world.workspace,
    host: world.host,
    tunnel: hello.tunnel,
    certFingerprint: fingerprint,
    hostNonce: hello.nonce,
    edgeNonce: hello.edgeNonce,
    ...change,
  });
  connection.send({ kind: "welcome", signed: await signed(signer ?? world.keys.dispatch, "welcome", body) });
}
