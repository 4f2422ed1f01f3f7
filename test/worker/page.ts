/**
 * Calls an edge as a page or the supervising process would, with every part open to bending. Knows nothing of where the
 * edge runs: the same calls go to workerd under vitest, to miniflare and to plain workerd behind its front.
 */
import { toBase64url, utf8 } from "../../protocol/bytes.ts";
import {
  endpoints,
  problemSchema,
  requestHeaders,
  SESSION_COOKIE,
  type Endpoint,
  type EndpointName,
} from "../../protocol/contracts.ts";
import { encodeCanonical } from "../../protocol/canonical.ts";
import { sha256Of, type Signer } from "../../protocol/signing.ts";
import type { Door } from "../../worker/doors.ts";
import type { HostPeer, TunnelSocket } from "./host-peer.ts";
import * as v from "valibot";
import { createCredential, originFor, registrationJson, type SoftwareCredential } from "../fixtures/authenticator.ts";
import { nonceOf, signerOf } from "../fixtures/keys.ts";
import { asserted, makeRoot, SIGNER_RP_ID, type Fields, type RootDraft } from "../fixtures/workspace.ts";

export const ORIGIN = originFor(SIGNER_RP_ID);

export function now(): number {
  return Math.floor(Date.now() / 1_000);
}

let counter = 0;
/** A nonce that no other call of this run has used. */
export function fresh(): string {
  return nonceOf(`fresh ${counter++}`);
}

/** Where the edge is. */
export interface Edge {
  /** One request through the door; `undefined` is a deployment without marks. */
  send(via: Door | undefined, request: Request): Promise<Response>;
  /** A tunnel with this host's certificate. */
  connect(peer: HostPeer): Promise<TunnelSocket>;
}

export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Fields;
  /** Code of the problem, if it is one. */
  readonly code: string | undefined;
}

export async function replyOf(response: Response): Promise<Reply> {
  const body = (await response.json()) as Fields;
  const problem = v.safeParse(problemSchema, body);
  if (response.status >= 400 && !problem.success) throw new Error(`not a problem: ${JSON.stringify(body)}`);
  return {
    status: response.status,
    headers: response.headers,
    body,
    code: problem.success ? problem.output.code : undefined,
  };
}

export async function adminOf(edge: Edge, path: string, body?: unknown): Promise<Reply> {
  const init = body === undefined ? {} : { method: "POST", body: JSON.stringify(body) };
  return replyOf(await edge.send("admin", new Request(`http://edge${path}`, init)));
}

export interface CallInput {
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: string;
  readonly body?: unknown;
  /** Members of the signed request to replace. */
  readonly request?: Fields;
  /** Headers to replace; undefined leaves one out. */
  readonly headers?: Readonly<Record<string, string | undefined>>;
}

export class EdgePage {
  readonly edge: Edge;
  signer: Signer;
  cookie: string | undefined;
  origin = ORIGIN;

  constructor(edge: Edge, signer: Signer, cookie?: string) {
    this.edge = edge;
    this.signer = signer;
    this.cookie = cookie;
  }

  async request(name: EndpointName, input: CallInput = {}): Promise<Request> {
    const endpoint: Endpoint = endpoints[name];
    const path =
      endpoint.path.replaceAll(/:([a-z]+)/g, (_, key: string) => input.params?.[key] ?? "") + (input.query ?? "");
    const text = endpoint.method === "POST" ? JSON.stringify(input.body ?? {}) : "";
    const signedRequest = {
      v: 1,
      method: endpoint.method,
      path,
      body: toBase64url(sha256Of(utf8(text))),
      iat: now(),
      jti: fresh(),
      ...input.request,
    };
    const bytes = encodeCanonical(signedRequest);
    const headers: Record<string, string | undefined> = {
      "cf-connecting-ip": "203.0.113.7",
      [requestHeaders.body]: toBase64url(bytes),
      [requestHeaders.signature]: await this.signer.sign("request", bytes),
      ...(this.cookie === undefined ? {} : { cookie: `${SESSION_COOKIE}=${this.cookie}` }),
      ...(endpoint.method === "POST" ? { "content-type": "application/json", origin: this.origin } : {}),
      ...input.headers,
    };
    const present = Object.entries(headers).filter((entry): entry is [string, string] => entry[1] !== undefined);
    const init = {
      method: endpoint.method,
      headers: Object.fromEntries(present),
      ...(text === "" ? {} : { body: text }),
    };
    return new Request(`${this.origin}${path}`, init);
  }

  async call(name: EndpointName, input: CallInput = {}): Promise<Reply> {
    const reply = await replyOf(await this.edge.send("web", await this.request(name, input)));
    const cookie = new RegExp(`^${SESSION_COOKIE}=([\\w-]*);`).exec(reply.headers.get("set-cookie") ?? "")?.[1];
    if (cookie !== undefined) this.cookie = cookie === "" ? undefined : cookie;
    return reply;
  }

  /** @throws {Error} when the edge refuses. */
  async must(name: EndpointName, input: CallInput = {}): Promise<Fields> {
    const { status, body } = await this.call(name, input);
    if (status !== 200) throw new Error(`${name}: ${JSON.stringify(body)}`);
    return body;
  }
}

export async function offerSetupTo(edge: Edge, setup: Signer, expires = now() + 900): Promise<Reply> {
  return adminOf(edge, "/admin/setup", { setupKey: setup.publicKey, expires });
}

export interface Registered {
  readonly page: EdgePage;
  readonly passkey: SoftwareCredential;
}

/** A page that opened the link and made the first passkey. */
export async function registerFirstAt(edge: Edge, setup: Signer): Promise<Registered> {
  const page = new EdgePage(edge, setup);
  const { options } = await page.must("setupOptions", { body: { name: "Ada" } });
  const { challenge } = JSON.parse(String(options)) as { challenge: string };
  const passkey = await createCredential({ rpId: SIGNER_RP_ID });
  const response = JSON.stringify(registrationJson(passkey, challenge));
  await page.must("setupPasskey", { body: { response } });
  return { page, passkey };
}

export interface Founding extends Registered {
  readonly workspace: string;
  readonly body: { readonly signed: unknown; readonly name: { readonly salt: string; readonly value: string } };
}

/** The body of `POST /api/setup/root`, honest unless bent. */
export async function foundingOf(
  setup: Signer,
  { page, passkey }: Registered,
  change: (draft: RootDraft) => void = () => undefined,
): Promise<Founding> {
  const { signed, workspace } = await makeRoot((draft) => {
    draft.setup = setup;
    draft.admin = passkey;
    draft.root = { ...draft.root, at: now() };
    draft.session = { ...draft.session, nonce: fresh(), iat: now(), exp: now() + 7_200 };
    change(draft);
  });
  return { page, passkey, workspace, body: { signed, name: { salt: nonceOf("ada"), value: "Ada" } } };
}

export interface Founded extends Registered {
  readonly workspace: string;
  readonly session: string;
}

/** From the link to the first session. */
export async function foundAt(edge: Edge): Promise<Founded> {
  const setup = await signerOf("setup");
  await offerSetupTo(edge, setup);
  const founding = await foundingOf(setup, await registerFirstAt(edge, setup));
  const me = await founding.page.must("setupRoot", { body: founding.body });
  founding.page.signer = await signerOf("session");
  return { ...founding, session: String(me["session"]) };
}

/** A certificate for a new session, honest unless bent. */
export async function certificateOf(passkey: SoftwareCredential, offer: Fields, change: Fields = {}) {
  const body = encodeCanonical({
    v: 1,
    workspace: offer["workspace"],
    sessionKey: (await signerOf("session")).publicKey,
    origin: ORIGIN,
    nonce: offer["nonce"],
    trustHead: offer["trustHead"],
    iat: now(),
    exp: now() + 7_200,
    ...change,
  });
  return asserted(passkey, "session", { body });
}
