/**
 * Attacks on the doors of the real edge through which people come: the setup link, signed requests, headers that pretend,
 * live sockets, and another program on the edge's own address. The attacker has what a thief of the one thing named in
 * the attack has, and nothing else. The doors of hosts stand in host-doors.ts.
 */
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { EdgeError } from "../../agent/shared/edge-error.ts";
import { toBase64url, utf8 } from "../../protocol/bytes.ts";
import {
  LIVE_SUBPROTOCOL,
  SESSION_COOKIE,
  TICKET_SUBPROTOCOL_PREFIX,
  type EndpointName,
} from "../../protocol/contracts.ts";
import type { Signer } from "../../protocol/signing.ts";
import { sha256Of } from "../../protocol/signing.ts";
import { WebSocket } from "ws";
import { createCredential } from "../fixtures/authenticator.ts";
import { fresh, now, type CallInput, type EdgePage } from "../fixtures/edge/page.ts";
import { signerOf } from "../fixtures/keys.ts";
import { SIGNER_RP_ID, type RootDraft } from "../fixtures/workspace.ts";
import type { Result } from "./attack.ts";
import {
  asAsk,
  askAs,
  certificateFor,
  offer,
  outcomeOf,
  pageOf,
  RealEdge,
  refusalOf,
  rootFor,
  signInAgain,
  type Household,
} from "./real-edge.ts";
import type { Outcome } from "./scene.ts";
import { door, knock, type DoorAttack } from "./door.ts";
import { attackHostDoors } from "./host-doors.ts";

const setup = door<RealEdge>("setup link");

async function called(page: EdgePage, name: EndpointName, input: CallInput = {}): Promise<Outcome> {
  return outcomeOf(await askAs(page, name, input));
}

/** Sends the very same bytes twice. */
async function replayed(page: EdgePage, name: EndpointName, input: CallInput = {}): Promise<Outcome> {
  const edge = page.edge as RealEdge;
  const bytes = await asAsk(await page.request(name, input));
  const first = outcomeOf(await edge.askWeb(bytes));
  return first === "accepted" ? outcomeOf(await edge.askWeb(bytes)) : `first ${first}`;
}

function root(name: string, rule: string, change: (draft: RootDraft) => void): DoorAttack<RealEdge> {
  return setup(name, rule, async (edge) => {
    const { page, body } = await rootFor(edge, await offer(edge, "setup"), change);
    return called(page, "setupRoot", { body });
  });
}

/** Before there is a workspace. The last one founds it, twice at once. */
export const setupAttacks: readonly DoorAttack<RealEdge>[] = [
  setup("a link that was never made", "setup_wrong", async (edge) => {
    await offer(edge, "setup");
    return called(pageOf(edge, await signerOf("guess")), "setupState");
  }),
  setup("a link that a newer one replaced", "setup_wrong", async (edge) => {
    const old = await offer(edge, "older setup");
    await offer(edge, "setup");
    return called(pageOf(edge, old), "setupState");
  }),
  setup("a link that has ended", "setup_expired", async (edge) =>
    called(pageOf(edge, await offer(edge, "late setup", now() - 1)), "setupState"),
  ),
  setup("a replayed request of the link's page", "setup_wrong", async (edge) =>
    replayed(pageOf(edge, await offer(edge, "setup")), "setupState"),
  ),
  setup("another path under a signature of the link's page", "setup_wrong", async (edge) =>
    called(pageOf(edge, await offer(edge, "setup")), "setupState", { request: { path: "/api/me" } }),
  ),
  setup("the link's page framed by another site", "origin", async (edge) =>
    called(pageOf(edge, await offer(edge, "setup")), "setupOptions", {
      body: { name: "Eve" },
      headers: { origin: "https://evil.example" },
    }),
  ),
  root("a root with the attacker's dispatch key", "root_keys", (draft) => void (draft.root["dispatchKey"] = fresh())),
  root("a root with the attacker's ledger key", "root_keys", (draft) => void (draft.root["ledgerKey"] = fresh())),
  root("a root whose signer is another port of our name", "root_origin", (draft) => {
    const origin = "http://clawhold.localhost:1";
    draft.root["origins"] = [{ origin, rpId: SIGNER_RP_ID, class: "signer" }];
    draft.session["origin"] = origin;
    draft.knobs = { origin };
  }),
  setup("a root with a passkey that was not made here", "root_passkey", async (edge) => {
    const passkey = await createCredential({ rpId: SIGNER_RP_ID });
    const { page, body } = await rootFor(edge, await offer(edge, "setup"), (draft) => void (draft.admin = passkey));
    return called(page, "setupRoot", { body });
  }),
  setup("a root signed by another setup key", "setup_key", async (edge) => {
    const link = await offer(edge, "setup");
    const stranger = await signerOf("stranger");
    const { page, body } = await rootFor(edge, link, (draft) => void (draft.signer = stranger));
    return called(page, "setupRoot", { body });
  }),
  root(
    "a root whose first sign-in had no user verification",
    "assertion",
    (draft) => void (draft.knobs = { ...draft.knobs, flags: 1 }),
  ),
];

/** Two proper roots under one link: one founds the workspace, the other is refused; whichever it is. */
export async function race(edge: RealEdge): Promise<{ readonly result: Result; readonly household: Household }> {
  const link = await offer(edge, "setup");
  const rivals = [await rootFor(edge, link), await rootFor(edge, link)];
  const replies = await Promise.all(rivals.map(({ page, body }) => page.call("setupRoot", { body })));
  const winner = replies.findIndex(({ status }) => status === 200);
  const founding = rivals[winner];
  const loser = replies[1 - winner];
  if (founding === undefined || loser === undefined) throw new Error("doors: nobody founded the workspace");
  const accepted = replies.filter(({ status }) => status === 200).length;
  const isRefused = loser.code === "setup_busy" || loser.code === "setup_used";
  founding.page.signer = await signerOf("session");
  return {
    result: {
      class: "setup link",
      name: "two roots at once",
      rule: "one root",
      outcome: isRefused && accepted === 1 ? "one root" : String(loser.code ?? "accepted"),
      executed: accepted - 1,
    },
    household: {
      edge,
      page: founding.page,
      passkey: founding.passkey,
      workspace: founding.workspace,
      root: founding.body.signed as Household["root"],
      session: String(replies[winner]?.body["session"]),
    },
  };
}

const request = door<Household>("signed request");

interface RequestBend extends CallInput {
  /** `me` when absent. */
  readonly endpoint?: EndpointName;
}

function bentRequest(name: string, rule: string, { endpoint = "me", ...input }: RequestBend): DoorAttack<Household> {
  return request(name, rule, ({ page }) => called(page, endpoint, input));
}

const digestOfText = (text: string): string => toBase64url(sha256Of(utf8(text)));

const requests: readonly DoorAttack<Household>[] = [
  bentRequest("the cookie without the session key", "unauthenticated", {
    headers: { "clawhold-request": undefined, "clawhold-signature": undefined },
  }),
  bentRequest("the cookie and a request, no signature", "unauthenticated", {
    headers: { "clawhold-signature": undefined },
  }),
  bentRequest("the session key without the cookie", "unauthenticated", { headers: { cookie: undefined } }),
  bentRequest("a cookie of nobody", "unauthenticated", {
    headers: { cookie: `${SESSION_COOKIE}=${toBase64url(new Uint8Array(32))}` },
  }),
  request("two cookies of our name", "unauthenticated", ({ page }) =>
    called(page, "me", {
      headers: { cookie: `${SESSION_COOKIE}=${String(page.cookie)}; ${SESSION_COOKIE}=${fresh()}` },
    }),
  ),
  request("the cookie with the attacker's own key", "unauthenticated", async ({ edge, page }) =>
    called(pageOf(edge, await signerOf("thief"), page.cookie), "me"),
  ),
  request("the cookie of one session, the key of another", "unauthenticated", async (household) => {
    const other = await signInAgain(household, "second session");
    return called(pageOf(household.edge, other.signer, household.page.cookie), "me");
  }),
  request("a replayed read", "unauthenticated", ({ page }) => replayed(page, "me")),
  request("a replayed write", "unauthenticated", ({ page }) => replayed(page, "passkeyOptions")),
  request("the same number for another request", "unauthenticated", async ({ page }) => {
    const jti = fresh();
    await called(page, "passkeyOptions", { request: { jti } });
    return called(page, "ticket", { request: { jti }, body: { host: "h-any-host" } });
  }),
  bentRequest("another path under an old signature", "unauthenticated", { request: { path: "/api/hosts" } }),
  bentRequest("another query under an old signature", "unauthenticated", {
    request: { path: "/api/activity?after=1" },
    endpoint: "activity",
  }),
  bentRequest("another method under an old signature", "unauthenticated", { request: { method: "POST" } }),
  bentRequest("another body under an old signature", "unauthenticated", {
    request: { body: digestOfText('{"host":"h-other"}') },
    body: { host: "h-mine" },
    endpoint: "ticket",
  }),
  bentRequest("a signature of two minutes ago", "unauthenticated", { request: { iat: now() - 120 } }),
  bentRequest("a signature of the future", "unauthenticated", { request: { iat: now() + 3_600 } }),
  bentRequest("a signed request of another version", "unauthenticated", { request: { v: 2 } }),
  bentRequest("a signed request with a member more", "unauthenticated", { request: { admin: true } }),
  request("the session key's signature under another type", "unauthenticated", ({ edge, page }) => {
    const { signer } = page;
    const other: Signer = { publicKey: signer.publicKey, sign: (_kind, body) => signer.sign("prepare", body) };
    return called(pageOf(edge, other, page.cookie), "me");
  }),
  bentRequest("from a page of another site", "origin", { headers: { "sec-fetch-site": "cross-site" } }),
  bentRequest("from another port of our name", "origin", { headers: { "sec-fetch-site": "same-site" } }),
  bentRequest("from outside any page, says the browser", "origin", { headers: { "sec-fetch-site": "none" } }),
  bentRequest("a write with a foreign origin", "origin", {
    headers: { origin: "https://evil.example" },
    endpoint: "passkeyOptions",
  }),
  bentRequest("a write with the origin of another port", "origin", {
    headers: { origin: "http://clawhold.localhost:1" },
    endpoint: "passkeyOptions",
  }),
  bentRequest("a write without an origin", "origin", { headers: { origin: undefined }, endpoint: "passkeyOptions" }),
  bentRequest("a read with a foreign origin", "origin", { headers: { origin: "null" } }),
  request("a sign-in given twice", "sign_in_refused", async (household) => {
    const page = pageOf(household.edge, await signerOf("third session"));
    return replayedSignIn(page, await certificateFor(household, page));
  }),
  request("a session that was ended", "unauthenticated", async (household) => {
    const page = await signInAgain(household, "ended session");
    const { cookie } = page;
    await page.must("signOut");
    return called(pageOf(household.edge, page.signer, cookie), "me");
  }),
  request("the setup link after it was used", "setup_used", async ({ edge }) =>
    called(pageOf(edge, await signerOf("setup")), "setupState"),
  ),
];

async function replayedSignIn(page: EdgePage, session: unknown): Promise<Outcome> {
  const first = await called(page, "signIn", { body: { session } });
  return first === "accepted" ? called(page, "signIn", { body: { session } }) : `first ${first}`;
}

const address = door<Household>("address and headers");

async function hosted(household: Household, host: string): Promise<Outcome> {
  const { headers = {}, ...ask } = await asAsk(await household.page.request("me"));
  return outcomeOf(await household.edge.askWeb({ ...ask, headers: { ...headers, host } }));
}

const FORGED: Readonly<Record<string, string>> = {
  "cf-connecting-ip": "198.51.100.9",
  "x-forwarded-for": "198.51.100.9",
  "x-real-ip": "198.51.100.9",
  forwarded: "for=198.51.100.9",
};

/** Where the ledger says that the last sign-in came from. */
async function sourceOfSignIn(household: Household): Promise<Outcome> {
  const page = pageOf(household.edge, await signerOf("far session"));
  await page.must("signIn", { body: { session: await certificateFor(household, page) }, headers: FORGED });
  const { rows } = (await household.page.must("activity", { query: "?after=0&limit=500" })) as {
    readonly rows: readonly { readonly source?: { readonly value: string } }[];
  };
  const sources = new Set(rows.flatMap(({ source }) => source?.value ?? []));
  return [...sources].join(" ");
}

const addresses: readonly DoorAttack<Household>[] = [
  address("a name that points at this machine", "wrong_address", (household) => hosted(household, "evil.example")),
  address("that name with our port", "wrong_address", (household) =>
    hosted(household, `evil.example:${String(household.edge.port)}`),
  ),
  address("the bare address", "wrong_address", (household) =>
    hosted(household, `127.0.0.1:${String(household.edge.port)}`),
  ),
  address("plain localhost", "wrong_address", (household) =>
    hosted(household, `localhost:${String(household.edge.port)}`),
  ),
  address("our name without its port", "wrong_address", (household) => hosted(household, "clawhold.localhost")),
  address("our name with a dot at the end", "wrong_address", (household) =>
    hosted(household, `clawhold.localhost.:${String(household.edge.port)}`),
  ),
  address("a source address of the sender's choice", "127.0.0.1", sourceOfSignIn),
  address("the admin door from the dashboard's port", "method_not_allowed", async ({ edge }) =>
    outcomeOf(
      await edge.askWeb({
        path: "/admin/join-token",
        method: "POST",
        body: "{}",
        headers: { "content-type": "application/json" },
      }),
    ),
  ),
  address("the admin door under /api", "not_found", async ({ edge }) =>
    outcomeOf(
      await edge.askWeb({
        path: "/api/../admin/join-token",
        method: "POST",
        body: "{}",
        headers: { "content-type": "application/json" },
      }),
    ),
  ),
  address("the agents' door from the dashboard's port", "not_found", async ({ edge }) =>
    outcomeOf(await edge.askWeb({ path: "/api/tunnel" })),
  ),
];

const socket = door<Household>("live socket");

function live({ edge }: Household, protocols: readonly string[], origin: string): Promise<Outcome> {
  const url = `ws://127.0.0.1:${String(edge.port)}/api/hosts/h-any-host/live`;
  return refusalOf(
    new WebSocket(url, [...protocols], {
      headers: { host: new URL(edge.origin).host, origin },
      perMessageDeflate: false,
    }),
  );
}

const sockets: readonly DoorAttack<Household>[] = [
  socket("without a ticket", "unauthenticated", (household) =>
    live(household, [LIVE_SUBPROTOCOL], household.edge.origin),
  ),
  socket("with a ticket of nobody", "unauthenticated", (household) =>
    live(household, [LIVE_SUBPROTOCOL, `${TICKET_SUBPROTOCOL_PREFIX}${fresh()}`], household.edge.origin),
  ),
  socket("with the cookie instead of a ticket", "unauthenticated", ({ edge, page }) => {
    const url = `ws://127.0.0.1:${String(edge.port)}/api/hosts/h-any-host/live`;
    const headers = {
      host: new URL(edge.origin).host,
      origin: edge.origin,
      cookie: `${SESSION_COOKIE}=${String(page.cookie)}`,
    };
    return refusalOf(new WebSocket(url, [LIVE_SUBPROTOCOL], { headers, perMessageDeflate: false }));
  }),
];

/** Another program holds the port on one of our addresses: the edge must not start beside it. */
export async function squat(edge: RealEdge): Promise<readonly Result[]> {
  const results: Result[] = [];
  for (const host of ["::1", "127.0.0.1"]) {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen({ host, port: 0, ipv6Only: true }, resolve));
    const { port } = server.address() as AddressInfo;
    let outcome: Outcome;
    try {
      const second = await RealEdge.run(edge.bundle, { port, data: `beside ${host.replaceAll(":", "_")}` });
      await second.stop();
      outcome = "accepted";
    } catch (error) {
      if (!(error instanceof EdgeError)) throw error;
      outcome = error.code;
    }
    await new Promise<void>((resolve) => server.close(() => resolve()));
    results.push({
      class: "address and headers",
      name: `another program on ${host}`,
      rule: "port_taken",
      outcome,
      executed: outcome === "accepted" ? 1 : 0,
    });
  }
  return results;
}

/** Requests first: the doors of hosts use up the minute's joins. */
export async function attackDoors(household: Household): Promise<readonly Result[]> {
  return [...(await knock([...requests, ...addresses, ...sockets], household)), ...(await attackHostDoors(household))];
}
