/** The Worker of this isolate, called through its doors as the runtime would. */
import worker from "../../worker/index.ts";
import type { Signer } from "../../protocol/signing.ts";
import type { Fields } from "../fixtures/workspace.ts";
import type { Env } from "../../durable-objects/env.ts";
import { env } from "./environment.ts";
import type { HostPeer, TunnelSocket } from "../fixtures/edge/host-peer.ts";
import * as page from "../fixtures/edge/page.ts";

export { certificateOf, foundingOf, fresh, now, replyOf } from "../fixtures/edge/page.ts";
export type { CallInput, Founded, Reply } from "../fixtures/edge/page.ts";

const pending: Promise<unknown>[] = [];
/** Waits for what the Worker went on doing after its answers. */
export async function settled(): Promise<void> {
  await Promise.all(pending.splice(0));
}

export function send(via: page.Door | undefined, request: Request, bindings: Env = env): Promise<Response> {
  const context = {
    waitUntil: (work: Promise<unknown>) => void pending.push(work),
    passThroughOnException: () => undefined,
    props: via === undefined ? {} : { via },
  } as unknown as ExecutionContext;
  return worker.fetch(request, bindings, context);
}

/** The same edge, deployed with other settings. */
export function edgeWith(settings: Partial<Env>): page.Edge {
  const bindings = { ...env, ...settings };
  return { ...edge, send: (via, request) => send(via, request, bindings) };
}

export function upgrade(
  peer: HostPeer,
  tls: Fields = {},
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> {
  const certificate = {
    certPresented: "1",
    certVerified: "SUCCESS",
    certRevoked: "0",
    certFingerprintSHA256: peer.fingerprint,
  };
  const cf = { tlsClientAuth: { ...certificate, ...tls } };
  const init = { headers: { upgrade: "websocket", ...headers }, cf } as unknown as RequestInit;
  return send("agent", new Request("https://agents.test:4471/tunnel", init));
}

/** The code with which a certificate is refused. */
export async function refusal(peer: HostPeer, tls: Fields): Promise<string | undefined> {
  return (await page.replyOf(await upgrade(peer, tls))).code;
}

export const edge: page.Edge = {
  send,
  async connect(peer): Promise<TunnelSocket> {
    const { webSocket, status } = await upgrade(peer);
    if (webSocket === null) throw new Error(`no socket: ${status}`);
    webSocket.accept();
    return webSocket;
  },
};

export class Page extends page.EdgePage {
  constructor(signer: Signer, cookie?: string) {
    super(edge, signer, cookie);
  }
}

export const admin = (path: string, body?: unknown): Promise<page.Reply> => page.adminOf(edge, path, body);
export const offerSetup = (setup: Signer, expires?: number): Promise<page.Reply> =>
  page.offerSetupTo(edge, setup, expires);
export const registerFirst = (setup: Signer): Promise<page.Registered> => page.registerFirstAt(edge, setup);
export const found = (): Promise<page.Founded> => page.foundAt(edge);

export async function ledgerBodies(workspace: string): Promise<readonly Fields[]> {
  const { results } = await env.DB.prepare("SELECT body FROM ledger WHERE workspace = ? ORDER BY idx")
    .bind(workspace)
    .all<{ body: string }>();
  return results.map(({ body }) => JSON.parse(body) as Fields);
}
