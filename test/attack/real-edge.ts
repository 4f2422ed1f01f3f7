/**
 * The real local edge, started on free ports with the Worker as it is bundled, and what an honest first person does on
 * it. The attackers here hold nothing of the edge's; they stand in front of its doors, or at its database.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { WebSocket } from "ws";
import { openSql, type RunSql } from "../../agent/edge/d1.ts";
import { startEdge, type Edge as RunningEdge } from "../../agent/edge/runtime.ts";
import type { BindOptions } from "../../agent/edge/bind/asked.ts";
import { encodeCanonical } from "../../protocol/canonical.ts";
import type { EndpointName } from "../../protocol/contracts.ts";
import type { Asserted } from "../../protocol/messages.ts";
import type { SignedRoot } from "../../protocol/trust/statements.ts";
import type { Signer } from "../../protocol/signing.ts";
import { ask, type Answer, type Ask } from "../agent/edge/fixtures/harness.ts";
import { createCredential, registrationJson, type SoftwareCredential } from "../fixtures/authenticator.ts";
import {
  EdgePage,
  foundingOf,
  now,
  offerSetupTo,
  type CallInput,
  type Door,
  type Edge,
  type Founding,
} from "../fixtures/edge/page.ts";
import type { HostPeer, TunnelSocket } from "../fixtures/edge/host-peer.ts";
import { signerOf } from "../fixtures/keys.ts";
import { asserted, SIGNER_RP_ID, type RootDraft } from "../fixtures/workspace.ts";
import { bundleWorker, type Bundle } from "../parity/bundle.ts";
import { places } from "./deployment.ts";
import type { Outcome } from "./scene.ts";

/** An answer as an outcome: the code of the problem, or that it was let in. */
export function outcomeOf({ status, text }: Pick<Answer, "status" | "text">): Outcome {
  if (status < 400) return "accepted";
  try {
    const { code } = JSON.parse(text) as { readonly code?: string };
    return code ?? `status ${String(status)}`;
  } catch {
    return `status ${String(status)}`;
  }
}

export class RealEdge implements Edge {
  readonly #edge: RunningEdge;
  readonly #bundle: Bundle;

  private constructor(edge: RunningEdge, bundle: Bundle) {
    this.#edge = edge;
    this.#bundle = bundle;
  }

  static async start(bind?: BindOptions): Promise<RealEdge> {
    const bundle = await bundleWorker();
    try {
      return new RealEdge(await RealEdge.run(bundle, { bind }), bundle);
    } catch (error) {
      bundle.remove();
      throw error;
    }
  }

  /** An edge that somebody else started, and stops. */
  static of(edge: RunningEdge, bundle: Bundle): RealEdge {
    return new RealEdge(edge, bundle);
  }

  static run(
    { directory, workerPath, migrations }: Bundle,
    more: { readonly port?: number; readonly data?: string; readonly bind?: BindOptions | undefined } = {},
  ): Promise<RunningEdge> {
    const webDir = path.join(directory, "web");
    mkdirSync(webDir, { recursive: true });
    writeFileSync(path.join(webDir, "index.html"), "<!doctype html><title>Dashboard</title>");
    return startEdge({
      dataDir: path.join(directory, more.data ?? "data"),
      port: more.port ?? 0,
      agentPort: 0,
      bind: more.bind,
      workerBundlePath: workerPath,
      webDir,
      migrations,
      // Nobody here has to wait a minute for what a person does in one.
      rateFactor: "1000",
      log: () => undefined,
    });
  }

  get bundle(): Bundle {
    return this.#bundle;
  }

  get origin(): string {
    return this.#edge.signerOrigin;
  }

  get port(): number {
    return Number(new URL(this.origin).port);
  }

  get agentPort(): number {
    return Number(new URL(this.#edge.agentEndpoint).port);
  }

  /** Where agents of other machines find it; this machine's own address without `bind`. */
  get agentAddress(): string {
    return this.#edge.bound?.addresses[0] ?? places.local.address;
  }

  /** The dashboard beside the one on loopback. */
  get boundOrigin(): string | undefined {
    return this.#edge.bound?.dashboardOrigin;
  }

  get keysDirectory(): string {
    return this.#edge.dataDirectory.join("keys");
  }

  /** What somebody with the machine's files has: the edge's keys and its database. */
  get keysFile(): string {
    return path.join(this.keysDirectory, "edge.json");
  }

  get sql(): RunSql {
    return openSql(path.join(this.#edge.dataDirectory.runDirectory, "d1.sock"));
  }

  async send(via: Door | undefined, request: Request): Promise<Response> {
    const { pathname } = new URL(request.url);
    if (via === "admin") {
      const text = await request.text();
      return Response.json(await this.#edge.admin(pathname, text === "" ? undefined : JSON.parse(text)));
    }
    const answer =
      via === "agent" ? await this.askAgents(await asAsk(request)) : await this.askWeb(await asAsk(request));
    const headers = Object.entries(answer.headers).map(([name, value]) => [name, String(value)] as [string, string]);
    return new Response(answer.text, { status: answer.status, headers });
  }

  askWeb(options: Omit<Ask, "port">): Promise<Answer> {
    return ask({ port: this.port, ...options });
  }

  askAgents(options: Omit<Ask, "port">): Promise<Answer> {
    return ask({ port: this.agentPort, address: this.agentAddress, tls: {}, ...options });
  }

  connect(peer: HostPeer): Promise<TunnelSocket> {
    return whenOpen(this.tunnelOf({ cert: pemOf(peer.certificate), key: peer.tlsKey }));
  }

  tunnelOf(
    tls: { readonly cert?: string; readonly key?: string },
    headers: Readonly<Record<string, string>> = {},
  ): WebSocket {
    return new WebSocket(`wss://${this.agentAddress}:${String(this.agentPort)}/tunnel`, {
      ...tls,
      ca: this.#edge.edgeCaCertificate,
      perMessageDeflate: false,
      headers,
    });
  }

  async stop(): Promise<void> {
    await this.#edge.stop();
    this.#bundle.remove();
  }
}

/** The request as it stands: the replay of an attacker is the same bytes. */
export async function asAsk(request: Request): Promise<Omit<Ask, "port">> {
  const { pathname, search } = new URL(request.url);
  const body = await request.clone().text();
  return {
    path: pathname + search,
    method: request.method,
    headers: Object.fromEntries(request.headers),
    ...(body === "" ? {} : { body }),
  };
}

/** One call of a page, answered as it is: the fronts and the Worker write their problems a little differently. */
export async function askAs(page: EdgePage, name: EndpointName, input: CallInput = {}): Promise<Answer> {
  return (page.edge as RealEdge).askWeb(await asAsk(await page.request(name, input)));
}

/** The first frame may come in the packet of the upgrade's answer, before anybody could have asked for it. */
export async function whenOpen(socket: WebSocket): Promise<TunnelSocket> {
  const early: string[] = [];
  let hear = (text: string): void => void early.push(text);
  socket.on("message", (data) => hear((data as Buffer).toString("utf8")));
  await new Promise<void>((resolve, reject) => {
    socket.once("open", resolve);
    socket.once("error", reject);
  });
  return {
    send: (data) => socket.send(data),
    close: (code) => socket.close(code),
    addEventListener: (type: "message" | "close", listener: (event: never) => void) => {
      if (type === "close")
        return void socket.on("close", (code, reason) => listener({ code, reason: String(reason) } as never));
      hear = (data) => listener({ data } as never);
      for (const data of early.splice(0)) hear(data);
    },
  };
}

export function pemOf(der: Uint8Array): string {
  return `-----BEGIN CERTIFICATE-----\n${Buffer.from(der).toString("base64")}\n-----END CERTIFICATE-----\n`;
}

/** How a socket that must not open is refused. */
export function refusalOf(socket: WebSocket): Promise<Outcome> {
  return new Promise((resolve) => {
    socket.once("open", () => {
      socket.terminate();
      resolve("accepted");
    });
    socket.once("unexpected-response", (_request, response) => {
      let text = "";
      response.on("data", (part: Buffer) => (text += part.toString("utf8")));
      response.on("end", () => resolve(outcomeOf({ status: response.statusCode ?? 0, text })));
    });
    socket.once("error", (error: Error & { readonly code?: string }) => resolve(error.code ?? error.message));
  });
}

/** A page that holds the setup link, on this edge's own origin. */
export function pageOf(edge: RealEdge, signer: Signer, cookie?: string): EdgePage {
  const page = new EdgePage(edge, signer, cookie);
  page.origin = edge.origin;
  return page;
}

async function firstPasskey(
  edge: RealEdge,
  setup: Signer,
): Promise<{ readonly page: EdgePage; readonly passkey: SoftwareCredential }> {
  const page = pageOf(edge, setup);
  const { options } = await page.must("setupOptions", { body: { name: "Ada" } });
  const { challenge } = JSON.parse(String(options)) as { challenge: string };
  const passkey = await createCredential({ rpId: SIGNER_RP_ID });
  const response = JSON.stringify(registrationJson(passkey, challenge, { origin: edge.origin }));
  await page.must("setupPasskey", { body: { response } });
  return { page, passkey };
}

/** The body of an honest root, bent by `change`. */
export async function rootFor(
  edge: RealEdge,
  setup: Signer,
  change: (draft: RootDraft) => void = () => undefined,
): Promise<Founding> {
  return foundingOf(setup, await firstPasskey(edge, setup), (draft) => {
    draft.root["origins"] = [{ origin: edge.origin, rpId: SIGNER_RP_ID, class: "signer" }];
    draft.session["origin"] = edge.origin;
    draft.knobs = { origin: edge.origin };
    change(draft);
  });
}

export async function offer(edge: RealEdge, name: string, expires?: number): Promise<Signer> {
  const setup = await signerOf(name);
  await offerSetupTo(edge, setup, expires);
  return setup;
}

/** The founded workspace, with its first person signed in. */
export interface Household {
  readonly edge: RealEdge;
  readonly page: EdgePage;
  readonly passkey: SoftwareCredential;
  readonly workspace: string;
  readonly root: SignedRoot;
  readonly session: string;
}

/** A sign-in of the first person for the key of a page, not yet handed in. */
export async function certificateFor({ edge, passkey }: Household, page: EdgePage): Promise<Asserted> {
  const { nonce, workspace, trustHead } = await page.must("signInNonce");
  const times = { iat: now(), exp: now() + 3_600 };
  const body = encodeCanonical({
    v: 1,
    workspace,
    sessionKey: page.signer.publicKey,
    origin: edge.origin,
    nonce,
    trustHead,
    ...times,
  });
  return asserted(passkey, "session", { body, knobs: { origin: edge.origin } });
}

/** Another sign-in of the first person, with a session key of its own. */
export async function signInAgain(household: Household, name: string): Promise<EdgePage> {
  const page = pageOf(household.edge, await signerOf(name));
  await page.must("signIn", { body: { session: await certificateFor(household, page) } });
  return page;
}
