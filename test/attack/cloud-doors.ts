/**
 * Attacks on the doors of a deployed edge: Access, the two names, the setup link that a deployment writes into the database,
 * client certificates that a provider's authority gave to anybody, and join files that a signer makes. The attacker has
 * what a thief of the one thing named in the attack has.
 */
import { SignJWT } from "jose";
import { makeAuthority, type KeyPair } from "../../agent/edge/certificates.ts";
import type { Signer } from "../../protocol/signing.ts";
import { issueClient } from "../agent/edge/fixtures/client-certificates.ts";
import { createCredential, originFor, registrationJson } from "../fixtures/authenticator.ts";
import { approvedBody, type Bends } from "../fixtures/edge/edge-action.ts";
import { HostPeer } from "../fixtures/edge/host-peer.ts";
import { AUDIENCE, IdentityProvider, TEAM } from "../fixtures/edge/identity-provider.ts";
import { EdgePage, foundingOf, fresh, now, type Founded, type Registered } from "../fixtures/edge/page.ts";
import { signerOf } from "../fixtures/keys.ts";
import { SIGNER_RP_ID, type Fields } from "../fixtures/workspace.ts";
import type { Result } from "./attack.ts";
import { AGENTS, CloudEdge, PAGES } from "./cloud-edge.ts";
import { door, knock, type DoorAttack } from "./door.ts";
import { asAsk, outcomeOf, pemOf, refusalOf } from "./real-edge.ts";
import type { Outcome } from "./scene.ts";
import type { EdgeReport } from "./strangers.ts";

interface Cloud {
  readonly edge: CloudEdge;
  readonly founded: Founded;
  /** Joined with a join file that the signer made. */
  readonly peer: HostPeer;
  readonly token: string;
}

type Headers = Readonly<Record<string, string>>;
const ORIGIN = originFor(SIGNER_RP_ID);
const DAY_MILLISECONDS = 86_400_000;
const access = door<CloudEdge>("Access");

async function withToken(edge: CloudEdge, token: string, more: Headers = {}): Promise<Outcome> {
  const headers = { "cf-access-jwt-assertion": token, ...more };
  return outcomeOf(await edge.askWorker({ path: "/", headers: { accept: "text/html", ...headers } }));
}

function claiming(name: string, change: Fields): DoorAttack<CloudEdge> {
  return access(`a token ${name}`, "access_required", async (edge) =>
    withToken(edge, await edge.provider.token(change)),
  );
}

const CLAIMS = { aud: [AUDIENCE], iss: `https://${TEAM}`, email: "eve@elsewhere.example", type: "app" };

const tokens: readonly DoorAttack<CloudEdge>[] = [
  ...["/", "/index.html", "/setup", "/api/health", "/api/setup", "/tunnel", "/admin/setup"].map((path) =>
    access(`nothing, at ${path}`, "access_required", async (edge) => outcomeOf(await edge.askWorker({ path }))),
  ),
  claiming("for another application", { aud: ["b2".repeat(32)] }),
  claiming("of another team", { iss: "https://evil.cloudflareaccess.com" }),
  claiming("that ended", { exp: now() - 60, iat: now() - 3_600 }),
  claiming("of the organisation", { type: "org" }),
  claiming("about nobody", { email: undefined }),
  access("a token signed by another provider, under the name of our key", "access_required", async (edge) =>
    withToken(edge, await (await IdentityProvider.start()).token()),
  ),
  access("a token without a signature", "access_required", (edge) => {
    const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
    return withToken(edge, `${part({ alg: "none" })}.${part({ ...CLAIMS, iat: now(), exp: now() + 60 })}.`);
  }),
  access("a token signed with the public key as if it were a secret", "access_required", async (edge) => {
    const secret = new TextEncoder().encode(JSON.stringify(edge.provider.publicKey));
    const token = new SignJWT({ ...CLAIMS, iat: now(), exp: now() + 60 }).setProtectedHeader({
      alg: "HS256",
      kid: "first",
    });
    return withToken(edge, await token.sign(secret));
  }),
  access("a good token, as a cookie", "access_required", async (edge) =>
    withToken(edge, "", { cookie: `CF_Authorization=${await edge.provider.token()}` }),
  ),
  access("a good token and no session", "unauthenticated", async (edge) => {
    const headers = { "cf-access-jwt-assertion": await edge.provider.token() };
    return outcomeOf(await edge.askWorker({ path: "/api/me", headers }));
  }),
  access("the hosts' name, for the API", "not_found", async (edge) =>
    outcomeOf(await edge.askWorker({ path: "/api/me", headers: { host: AGENTS } })),
  ),
  access("the hosts' name, for a page", "not_found", async (edge) =>
    outcomeOf(await edge.askWorker({ path: "/", headers: { host: AGENTS, accept: "text/html" } })),
  ),
  access("the admin door, past Access", "not_found", async (edge) => {
    const headers = { "cf-access-jwt-assertion": await edge.provider.token() };
    const [path, body] = ["/admin/join-token", "{}"];
    return outcomeOf(await edge.askWorker({ path, method: "POST", body, headers }));
  }),
];

const setup = door<CloudEdge>("setup link of a deployment");

/** As the deployment writes it, or whoever else may write to the database. */
async function write(edge: CloudEdge, key: Signer): Promise<void> {
  const database = await edge.database();
  await database.batch([
    database.prepare("DELETE FROM setup"),
    database.prepare("INSERT INTO setup (setup_key, expires) VALUES (?, ?)").bind(key.publicKey, now() + 900),
  ]);
}

async function setupFrom(edge: CloudEdge, key: Signer, origin: string = ORIGIN): Promise<Outcome> {
  const page = new EdgePage(edge, key);
  const { code = "accepted" } = await page.call("setupOptions", { body: { name: "Mallory" }, headers: { origin } });
  return code;
}

const before: readonly DoorAttack<CloudEdge>[] = [
  setup("none was written", "setup_wrong", async (edge) => setupFrom(edge, await signerOf("guess"))),
  ...[`https://${PAGES}`, "http://clawhold.localhost.example.com", "http://clawhold.localhost:8443/x", "null"].map(
    (origin) =>
      setup(`the right link, on a page of ${origin}`, "setup_wrong", async (edge) => {
        const key = await signerOf("setup");
        await write(edge, key);
        return setupFrom(edge, key, origin);
      }),
  ),
];

/** There is a workspace, and no way to a second one: not by the link, not by writing another into the database. */
const after: readonly DoorAttack<CloudEdge>[] = [
  setup("the link after it was used", "setup_used", async (edge) => setupFrom(edge, await signerOf("setup"))),
  setup("a second one, written into the database", "setup_used", async (edge) => {
    const second = await signerOf("second setup");
    await write(edge, second);
    return setupFrom(edge, second);
  }),
];

const tls = door<Cloud>("client certificate");

async function tunnelWith({ edge }: Cloud, authority: KeyPair, request: Parameters<typeof issueClient>[1] = {}) {
  return refusalOf(edge.tunnelOf(await issueClient(authority, request)));
}

function ofPeer({ peer }: Cloud): { readonly cert: string; readonly key: string } {
  return { cert: pemOf(peer.certificate), key: peer.tlsKey };
}

const ENDED = {
  notBefore: new Date(Date.now() - 2 * DAY_MILLISECONDS),
  notAfter: new Date(Date.now() - DAY_MILLISECONDS),
};

const certificates: readonly DoorAttack<Cloud>[] = [
  tls("none", "certificate_missing", ({ edge }) => refusalOf(edge.tunnelOf({}))),
  tls("none, and headers that claim a joined host's", "certificate_missing", ({ edge, peer }) => {
    const claim = { certPresented: "1", certVerified: "SUCCESS", certRevoked: "0" };
    const text = JSON.stringify({ ...claim, certFingerprintSHA256: peer.fingerprint });
    return refusalOf(edge.tunnelOf({}, { "clawhold-socket": text, "x-cf-blob": text }));
  }),
  tls("of a foreign authority", "certificate_untrusted", async (cloud) =>
    tunnelWith(cloud, await makeAuthority("another authority", new Date())),
  ),
  tls("of the managed authority, for another customer", "certificate_unknown", (cloud) =>
    tunnelWith(cloud, cloud.edge.managed),
  ),
  tls("that ended", "certificate_expired", (cloud) => tunnelWith(cloud, cloud.edge.managed, ENDED)),
  tls("where there can be none", "certificate_unavailable", async ({ edge }) =>
    outcomeOf(await edge.askWorker({ path: "/tunnel", headers: { host: AGENTS, upgrade: "websocket" } })),
  ),
  tls("of a joined host, with the hello of another one", "closed 4006", async ({ edge, peer, founded }) => {
    const thief = await HostPeer.at(edge, "thief of files", founded.workspace);
    Object.assign(thief, { certificate: peer.certificate, tlsKey: peer.tlsKey, fingerprint: peer.fingerprint });
    const tunnel = await thief.connect();
    await tunnel.hello();
    return `closed ${String(await tunnel.closed())}`;
  }),
  tls("that was revoked at Cloudflare, and verifies", "certificate_revoked", async (cloud) => {
    cloud.edge.revoke(cloud.peer.fingerprint);
    return refusalOf(cloud.edge.tunnelOf(ofPeer(cloud)));
  }),
];

const invite = door<Cloud>("join file of a signer");

async function inviteBody(founded: Founded, bends: Bends = {}, endpoint: "hostInvite" | "retention" = "hostInvite") {
  const change = { setting: "hostInvite" };
  const knobs = { origin: ORIGIN, ...bends.knobs };
  return approvedBody(founded, { endpoint: endpoint as "hostInvite", change }, { ...bends, knobs });
}

async function invites({ founded }: Pick<Cloud, "founded">, bends: Bends = {}, page = founded.page): Promise<Outcome> {
  const { code = "accepted" } = await page.call("hostInvite", { body: await inviteBody(founded, bends) });
  return code;
}

async function joins({ edge, founded }: Cloud, token: string, workspace = founded.workspace): Promise<Outcome> {
  const peer = await HostPeer.at(edge, fresh(), workspace);
  return (await peer.join({ token }))?.code ?? "accepted";
}

const invitations: readonly DoorAttack<Cloud>[] = [
  invite("without a touch", "malformed_request", async ({ founded }) => {
    const { change, action } = await inviteBody(founded);
    const { code = "accepted" } = await founded.page.call("hostInvite", { body: { change, action } });
    return code;
  }),
  invite("with a touch for another setting", "approval_wrong", async ({ founded }) => {
    const { code = "accepted" } = await founded.page.call("hostInvite", {
      body: await inviteBody(founded, {}, "retention"),
    });
    return code;
  }),
  invite("with a touch of another session", "approval_wrong", (cloud) =>
    invites(cloud, { action: { session: fresh() } }),
  ),
  invite("with a touch for another workspace", "approval_wrong", (cloud) =>
    invites(cloud, { action: { workspace: fresh() } }),
  ),
  invite("with a stranger's passkey", "approval_wrong", async (cloud) =>
    invites(cloud, { passkey: await createCredential({ rpId: SIGNER_RP_ID }) }),
  ),
  invite("touched on a page of the edge", "approval_wrong", (cloud) =>
    invites(cloud, { knobs: { origin: `https://${PAGES}` } }),
  ),
  invite("one touch, twice", "approval_used", async ({ founded }) => {
    const body = await inviteBody(founded);
    const first = await founded.page.call("hostInvite", { body });
    const { code = "accepted" } = await founded.page.call("hostInvite", { body });
    return first.status === 200 ? code : `first ${String(first.code)}`;
  }),
  invite("its token, used before", "join_token_used", (cloud) => joins(cloud, cloud.token)),
  invite("its token, by a host of another workspace", "join_workspace", async (cloud) => {
    const { token } = await cloud.founded.page.must("hostInvite", { body: await inviteBody(cloud.founded) });
    return joins(cloud, String(token), fresh());
  }),
];

async function found(edge: CloudEdge): Promise<Founded> {
  const key = await signerOf("setup");
  await write(edge, key);
  const page = new EdgePage(edge, key);
  const { options } = await page.must("setupOptions", { body: { name: "Ada" } });
  const { challenge } = JSON.parse(String(options)) as { readonly challenge: string };
  const passkey = await createCredential({ rpId: SIGNER_RP_ID });
  await page.must("setupPasskey", { body: { response: JSON.stringify(registrationJson(passkey, challenge)) } });
  const registered: Registered = { page, passkey };
  const founding = await foundingOf(key, registered);
  const me = await page.must("setupRoot", { body: founding.body });
  page.signer = await signerOf("session");
  return { ...founding, session: String(me["session"]) };
}

/** Whoever refuses everybody would pass every attack. */
async function honest(cloud: Cloud, failures: string[]): Promise<void> {
  const { status } = await cloud.founded.page.call("me");
  const tunnel = await cloud.peer.connect();
  await tunnel.hello();
  const { kind } = await tunnel.next("welcome");
  tunnel.socket.close();
  if (status !== 200 || kind !== "welcome") failures.push("an honest person and an honest host, before the attacks");
}

export async function attackCloudEdge(): Promise<EdgeReport> {
  const edge = await CloudEdge.start();
  const failures: string[] = [];
  try {
    const early = [...(await knock(tokens, edge)), ...(await knock(before, edge))];
    const founded = await found(edge);
    const { token } = await founded.page.must("hostInvite", { body: await inviteBody(founded) });
    const peer = await HostPeer.at(edge, "joined host", founded.workspace);
    const refused = await peer.join({ token: String(token) });
    if (refused !== undefined) failures.push(`an honest join: ${String(refused.code)}`);
    const cloud: Cloud = { edge, founded, peer, token: String(token) };
    await honest(cloud, failures);
    const late: Result[] = [...(await knock([...invitations, ...certificates], cloud)), ...(await knock(after, edge))];
    return { results: [...early, ...(await replayed(cloud)), ...late], failures };
  } finally {
    await edge.stop();
  }
}

/** A session's own request, without the word of Access. */
async function replayed({ edge, founded }: Cloud): Promise<readonly Result[]> {
  return knock(
    [
      access("a signed request of a session, without a token", "access_required", async () =>
        outcomeOf(await edge.askWorker(await withoutHost(founded.page))),
      ),
    ],
    edge,
  );
}

async function withoutHost(page: EdgePage): Promise<Parameters<CloudEdge["askWorker"]>[0]> {
  const { headers = {}, ...request } = await asAsk(await page.request("me"));
  return { ...request, headers };
}
