/**
 * The Worker in workerd as a deployment configures it: no signer of its own, Access before the pages, the managed authority
 * for client certificates, hosts on a name of their own. What Cloudflare does is played here and labelled: the identity
 * provider of Access, the API of client certificates, and the TLS front that tells the Worker what it saw of a client's
 * certificate. Nothing of Cloudflare itself is shown by this.
 */
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:https";
import { connect, type AddressInfo } from "node:net";
import { TLSSocket } from "node:tls";
import * as x509 from "@peculiar/x509";
import { convertV4MiniflareOptions, Miniflare } from "miniflare";
import { WebSocket } from "ws";
import { makeAuthority, makeServerCertificate, type KeyPair } from "../../agent/edge/certificates.ts";
import { trackConnections } from "../../agent/edge/loopback.ts";
import { COMPATIBILITY_DATE } from "../../agent/edge/workerd-config.ts";
import { ask, type Answer, type Ask } from "../agent/edge/fixtures/harness.ts";
import type { HostPeer, TunnelSocket } from "../fixtures/edge/host-peer.ts";
import { AUDIENCE, IdentityProvider, TEAM } from "../fixtures/edge/identity-provider.ts";
import type { Door, Edge } from "../fixtures/edge/page.ts";
import { bundleWorker, type Bundle } from "../parity/bundle.ts";
import { places } from "./deployment.ts";
import { asAsk, pemOf, whenOpen } from "./real-edge.ts";

export const PAGES = "clawhold.example.com";
export const AGENTS = places.cloud.host;
const ZONE = "b".repeat(32);
const DAY_MILLISECONDS = 86_400_000;
const TLS_HEADER = "test-front-tls";
const OBJECTS = ["Alerts", "Exports", "Host", "Ledger", "Limits", "Sessions", "Streams"];
const TOKEN_HEADER = "cf-access-jwt-assertion";

/** Hands on what the front saw of a certificate, where Cloudflare says it. */
const ENTRY = `
import worker from "./worker.js";
export * from "./worker.js";
export default {
  fetch(request, env, context) {
    const headers = new Headers(request.headers);
    const seen = headers.get("${TLS_HEADER}");
    headers.delete("${TLS_HEADER}");
    const cf = seen === null ? {} : { tlsClientAuth: JSON.parse(seen) };
    const waitUntil = context.waitUntil.bind(context);
    const props = { props: {}, waitUntil, passThroughOnException() {} };
    return worker.fetch(new Request(request, { headers, cf }), env, props);
  },
};
`;

/** Stands in for Cloudflare's API: signs what it is asked for, and takes it back. */
class CertificateApi {
  readonly authority: KeyPair;
  /** Fingerprints, as the front is told them. */
  readonly revoked = new Set<string>();

  constructor(authority: KeyPair) {
    this.authority = authority;
  }

  async answer(method: string, text: string): Promise<Response> {
    const id = randomBytes(16).toString("hex");
    if (method === "DELETE") return said({ id, status: "pending_revocation" });
    const { csr } = JSON.parse(text) as { readonly csr: string };
    const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
    const [key] = x509.PemConverter.decode(this.authority.key);
    if (key === undefined) throw new TypeError("no key");
    const certificate = await x509.X509CertificateGenerator.create({
      serialNumber: id,
      subject: "CN=Cloudflare",
      issuer: new x509.X509Certificate(this.authority.certificate).subject,
      notBefore: new Date(Date.now() - 60_000),
      notAfter: new Date(Date.now() + 90 * DAY_MILLISECONDS),
      signingAlgorithm: algorithm,
      publicKey: await new x509.Pkcs10CertificateRequest(csr).publicKey.export(),
      signingKey: await crypto.subtle.importKey("pkcs8", key, algorithm, false, ["sign"]),
      extensions: [new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.clientAuth], true)],
    });
    return said({ id, status: "active", certificate: certificate.toString("pem"), csr });
  }
}

function said(result: unknown): Response {
  return Response.json({ success: true, errors: [], messages: [], result });
}

/** What Cloudflare tells a Worker, in its words. */
function seenBy(socket: TLSSocket, { revoked }: CertificateApi): Readonly<Record<string, string>> {
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined) return { certPresented: "0", certVerified: "NONE", certRevoked: "0" };
  const fingerprint = certificate.fingerprint256.replaceAll(":", "").toLowerCase();
  const isExpired = String(socket.authorizationError) === "CERT_HAS_EXPIRED";
  const failure = isExpired ? "FAILED:certificate has expired" : "FAILED:unable to verify the first certificate";
  return {
    certPresented: "1",
    certVerified: socket.authorized ? "SUCCESS" : failure,
    certRevoked: revoked.has(fingerprint) ? "1" : "0",
    certFingerprintSHA256: fingerprint,
  };
}

interface Parts {
  readonly miniflare: Miniflare;
  readonly front: Server;
  readonly closeFront: () => Promise<void>;
  readonly bundle: Bundle;
  readonly port: number;
  readonly api: CertificateApi;
  readonly provider: IdentityProvider;
  readonly publicAuthority: KeyPair;
  /** With which Access lets a person through. */
  readonly token: string;
}

export class CloudEdge implements Edge {
  readonly #parts: Parts;

  private constructor(parts: Parts) {
    this.#parts = parts;
  }

  static async start(): Promise<CloudEdge> {
    x509.cryptoProvider.set(crypto);
    const bundle = await bundleWorker();
    const provider = await IdentityProvider.start();
    const api = new CertificateApi(await makeAuthority("managed authority", new Date()));
    const miniflare = startWorker({ bundle, provider, api });
    const port = Number((await miniflare.ready).port);
    const database = await miniflare.getD1Database("DB");
    for (const { sql } of bundle.migrations)
      await database.batch(statementsOf(sql).map((one) => database.prepare(one)));
    const publicAuthority = await makeAuthority("public authority", new Date());
    const front = await startFront({ port, api, publicAuthority });
    const closeFront = trackConnections(front);
    const token = await provider.token();
    return new CloudEdge({ miniflare, front, closeFront, bundle, port, api, provider, publicAuthority, token });
  }

  get provider(): IdentityProvider {
    return this.#parts.provider;
  }

  /** Of client certificates: one for all customers. */
  get managed(): KeyPair {
    return this.#parts.api.authority;
  }

  /** At Cloudflare; the Worker's own list does not know. */
  revoke(fingerprint: string): void {
    this.#parts.api.revoked.add(fingerprint);
  }

  database(): ReturnType<Miniflare["getD1Database"]> {
    return this.#parts.miniflare.getD1Database("DB");
  }

  /** Past Access and past the TLS front, with whatever headers: as if somebody found such a way. */
  askWorker({ headers = {}, ...options }: Omit<Ask, "port">): Promise<Answer> {
    return ask({ port: this.#parts.port, ...options, headers: { host: PAGES, ...headers } });
  }

  async send(via: Door | undefined, request: Request): Promise<Response> {
    const { headers = {}, ...more } = await asAsk(request);
    const place: Readonly<Record<string, string>> =
      via === "agent"
        ? { host: AGENTS, [TLS_HEADER]: JSON.stringify({ certPresented: "0", certVerified: "NONE", certRevoked: "0" }) }
        : { host: PAGES, [TOKEN_HEADER]: this.#parts.token };
    const { status, text, headers: answered } = await this.askWorker({ ...more, headers: { ...headers, ...place } });
    const listed = Object.entries(answered).map(([name, value]) => [name, String(value)] as [string, string]);
    return new Response(text, { status, headers: listed });
  }

  /** Through the TLS front, by name. */
  tunnelOf(
    tls: { readonly cert?: string; readonly key?: string },
    headers: Readonly<Record<string, string>> = {},
  ): WebSocket {
    const { front, publicAuthority } = this.#parts;
    const { port } = front.address() as AddressInfo;
    const ca = publicAuthority.certificate;
    return new WebSocket(`wss://${AGENTS}:${String(port)}/tunnel`, { ...tls, ca, perMessageDeflate: false, headers });
  }

  connect(peer: HostPeer): Promise<TunnelSocket> {
    return whenOpen(this.tunnelOf({ cert: pemOf(peer.certificate), key: peer.tlsKey }));
  }

  async stop(): Promise<void> {
    const { closeFront, miniflare, bundle } = this.#parts;
    await closeFront();
    await miniflare.dispose();
    bundle.remove();
  }
}

function startWorker({ bundle, provider, api }: Pick<Parts, "bundle" | "provider" | "api">): Miniflare {
  const random = (): string => randomBytes(32).toString("base64url");
  const outbound = async (request: Request): Promise<Response> => {
    const { hostname } = new URL(request.url);
    return hostname === TEAM ? provider.fetch(request.url) : api.answer(request.method, await request.text());
  };
  const names = [...OBJECTS.map((name) => [name.toUpperCase(), name]), ["SEGMENT", "LedgerSegment"]];
  return new Miniflare(
    convertV4MiniflareOptions({
      cf: false,
      telemetry: { enabled: false },
      // What the Worker logs of every refusal is not what the suite has to say.
      handleStructuredLogs: () => undefined,
      name: "clawhold",
      host: places.cloud.address,
      port: 0,
      compatibilityDate: COMPATIBILITY_DATE,
      modules: [
        { type: "ESModule", path: "entry.js", contents: ENTRY },
        { type: "ESModule", path: "worker.js", contents: readFileSync(bundle.workerPath, "utf8") },
      ],
      d1Databases: { DB: "clawhold" },
      durableObjects: Object.fromEntries(
        names.map(([name, className]) => [name, { className, useSQLite: true }]),
      ) as never,
      serviceBindings: { ASSETS: (() => new Response("<!doctype html>")) as never },
      outboundService: outbound as never,
      bindings: {
        DISPATCH_KEY: random(),
        LEDGER_KEY: random(),
        SETTINGS_KEY: random(),
        AGENT_ENDPOINT: `wss://${AGENTS}:443`,
        ACCESS_TEAM_DOMAIN: TEAM,
        ACCESS_AUDIENCE: AUDIENCE,
        CLIENT_CERTIFICATE_ZONES: JSON.stringify([ZONE]),
        CLIENT_CERTIFICATE_TOKEN: "test",
        RATE_FACTOR: "1000",
      },
    }),
  );
}

/** TLS 1.3, any certificate let in and told about; sockets only, because nothing else is tried through it. */
async function startFront({
  port,
  api,
  publicAuthority,
}: Pick<Parts, "port" | "api" | "publicAuthority">): Promise<Server> {
  const { key, certificate } = await makeServerCertificate(publicAuthority, [AGENTS], new Date());
  const server = createServer({
    key,
    cert: certificate,
    ca: api.authority.certificate,
    requestCert: true,
    rejectUnauthorized: false,
    minVersion: "TLSv1.3",
  });
  server.on("upgrade", (request, socket) => {
    const behind = connect(port, places.cloud.address, () => {
      const kept = Object.entries(request.headers).filter(([name]) => name !== TLS_HEADER && !name.startsWith("cf-"));
      const tls = socket instanceof TLSSocket ? seenBy(socket, api) : {};
      const headers = { ...Object.fromEntries(kept), host: AGENTS, [TLS_HEADER]: JSON.stringify(tls) };
      const lines = Object.entries(headers).map(([name, value]) => `${name}: ${String(value)}\r\n`);
      behind.write(`GET ${String(request.url)} HTTP/1.1\r\n${lines.join("")}\r\n`);
      socket.pipe(behind).pipe(socket);
    });
    // An answer that is on its way is told to its end.
    behind.on("error", () => socket.destroy()).on("close", () => socket.end());
    socket.on("error", () => behind.destroy()).on("close", () => behind.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, places.cloud.address, resolve));
  return server;
}

function statementsOf(sql: string): readonly string[] {
  const bare = sql.replaceAll(/^--.*$/gm, "");
  return bare
    .split(/;\s*\n(?=\s*(?:CREATE|$))/)
    .map((one) => one.trim())
    .filter((one) => one !== "");
}
