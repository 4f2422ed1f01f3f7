/**
 * An edge for one automation key: it answers the contract's endpoints with real signatures of a real trust log, and can
 * be told to lie. Plays the host, too, with the protocol's own verification.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { fromBase64url, toBase64url, utf8 } from "../../../protocol/bytes.ts";
import { requestHeaders } from "../../../protocol/contracts.ts";
import {
  preparedCodec,
  receiptCodec,
  requestCodec,
  submissionCodec,
  ZERO_DIGEST,
  type Signed,
} from "../../../protocol/messages.ts";
import { sha256Of, verifySignature, type Signer } from "../../../protocol/signing.ts";
import type { TrustState } from "../../../protocol/trust/state.ts";
import type { SignedStatement } from "../../../protocol/trust/statements.ts";
import { verifyPrepare, verifySubmission } from "../../../protocol/verify.ts";
import { nonceOf } from "../../fixtures/keys.ts";
import { GATEWAY_BOOT } from "../../fixtures/command.ts";
import type { World } from "../../fixtures/workspace.ts";

export interface Lies {
  /** Signs the host's answers instead of the host. */
  readonly hostSigner?: Signer;
  readonly receiptIntent?: string;
  readonly root?: World["root"];
  /** The edge's Date header, and the clock by which it judges requests: seconds ahead. */
  readonly ahead?: number;
  readonly neverAnswers?: boolean;
  readonly verdict?: "executed" | "failed" | "refused";
}

export interface ScriptedEdge {
  readonly url: string;
  /** What was submitted and verified. */
  readonly accepted: string[];
  stop(): Promise<void>;
}

export interface Town {
  readonly world: World;
  readonly state: TrustState;
  readonly statements: readonly SignedStatement[];
}

export async function startScriptedEdge(town: Town, lies: Lies = {}): Promise<ScriptedEdge> {
  const accepted: string[] = [];
  const server = createServer((request, response) => {
    answer({ town, lies, accepted }, request, response).catch((error: unknown) => {
      send(response, 500, problemOf("internal", String(error)));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${String(port)}`, accepted, stop: () => closed(server) };
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

interface Scene {
  readonly town: Town;
  readonly lies: Lies;
  readonly accepted: string[];
}

async function answer(scene: Scene, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = await readBody(request);
  const now = Math.floor(Date.now() / 1_000) + (scene.lies.ahead ?? 0);
  response.setHeader("date", new Date(now * 1_000).toUTCString());
  if (!(await isSigned(scene, request, { body, now })))
    return send(response, 401, problemOf("unauthenticated", "Not signed."));
  const path = request.url ?? "";
  if (path.startsWith("/api/automation/trust")) return sendTrust(scene, response, { path, now });
  if (path.endsWith("/prepare")) return sendPrepared(scene, response, { body, now });
  if (path === "/api/automation/commands") return sendAccepted(scene, response, { body, now });
  const intent = path.split("/")[4] ?? "";
  send(response, 200, await statusOf(scene, intent));
}

async function isSigned(
  { town }: Scene,
  { headers, method, url }: IncomingMessage,
  { body, now }: { readonly body: string; readonly now: number },
): Promise<boolean> {
  const key = town.state.automationKeys.get(String(headers[requestHeaders.automationKey]));
  const bytes = fromBase64url(String(headers[requestHeaders.body]));
  const signature = String(headers[requestHeaders.signature]);
  const stated = requestCodec.decode(bytes);
  const publicKey = key?.publicKey ?? town.world.keys.stranger.publicKey;
  const fits =
    stated.method === method &&
    stated.path === url &&
    stated.body === toBase64url(sha256Of(utf8(body))) &&
    Math.abs(stated.iat - now) <= 60;
  return fits && verifySignature({ kind: "request", body: bytes, signature, publicKey });
}

function sendTrust(
  { town, lies }: Scene,
  response: ServerResponse,
  { path, now }: { readonly path: string; readonly now: number },
): void {
  const after = new URL(path, "http://edge").searchParams.get("after");
  const page =
    after === null
      ? { root: lies.root ?? town.world.root, statements: town.statements.slice(0, 5) }
      : { statements: town.statements.slice(Number(after), Number(after) + 5) };
  send(response, 200, { page, head: town.state.head, now });
}

async function sendPrepared(
  { town, lies }: Scene,
  response: ServerResponse,
  { body, now }: { readonly body: string; readonly now: number },
): Promise<void> {
  const { prepare } = JSON.parse(body) as { readonly prepare: Signed };
  const { state, world } = town;
  const view = { trust: state, now, host: world.host, isSessionEnded: () => false };
  const verdict = await verifyPrepare({ signed: prepare }, view);
  if (verdict.kind === "refused") return send(response, 409, problemOf(verdict.code, `Refused: ${verdict.code}.`));
  const bytes = preparedCodec.encode({
    v: 1,
    workspace: state.workspace,
    host: world.host,
    prepare: verdict.digest,
    challenge: nonceOf("challenge"),
    hostBoot: nonceOf("boot"),
    now,
    trustHead: state.head,
    facts: { gatewayBoot: GATEWAY_BOOT },
  });
  const signer = lies.hostSigner ?? world.keys.host;
  const signed = { body: toBase64url(bytes), signature: await signer.sign("prepared", bytes) };
  send(response, 200, { prepared: signed });
}

async function sendAccepted(
  scene: Scene,
  response: ServerResponse,
  { body, now }: { readonly body: string; readonly now: number },
): Promise<void> {
  const { submission } = JSON.parse(body) as { readonly submission: string };
  const view = { trust: scene.town.state, now, isSessionEnded: () => false };
  const verdict = await verifySubmission(submissionCodec.decode(fromBase64url(submission)), view);
  if (verdict.kind === "refused") return send(response, 409, problemOf(verdict.code, `Refused: ${verdict.code}.`));
  scene.accepted.push(verdict.digest);
  const { host } = scene.town.world;
  send(response, 200, { statuses: [{ intent: verdict.digest, host, state: "queued" }] });
}

async function statusOf({ town, lies }: Scene, intent: string): Promise<unknown> {
  const { host, keys } = town.world;
  if (lies.neverAnswers === true) return { intent, host, state: "queued" };
  const verdict = lies.verdict ?? "executed";
  const bytes = receiptCodec.encode({
    v: 1,
    workspace: town.state.workspace,
    host,
    intent: lies.receiptIntent ?? intent,
    verdict,
    ...(verdict === "refused" ? { code: "local_policy" as const } : {}),
    number: 1,
    previous: ZERO_DIGEST,
    started: 1,
    ended: 2,
    observed: {},
    trustHead: town.state.head,
  });
  const signed = { body: toBase64url(bytes), signature: await (lies.hostSigner ?? keys.host).sign("receipt", bytes) };
  return { intent, host, state: "receipted", receipt: signed };
}

function problemOf(code: string, title: string): Record<string, unknown> {
  return { type: "about:blank", title, status: 409, code, id: "x" };
}

function send(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(value));
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString("utf8");
}
