/**
 * Every endpoint of the real Worker as every role of the golden table, and with sessions that are none: absent,
 * expired, replayed, altered. An endpoint that the golden table lacks fails.
 */
import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { beforeAll, describe, expect, it } from "vitest";
import { endpoints, type Endpoint, type EndpointName } from "../../protocol/contracts.ts";
import { encodeCanonical } from "../../protocol/canonical.ts";
import { presetRoles, type RoleDefinition } from "../../protocol/roles.ts";
import { HostPeer } from "../fixtures/edge/host-peer.ts";
import { addMember, signInMember, type SignedIn } from "../fixtures/edge/people.ts";
import { Town } from "../fixtures/edge/town.ts";
import { signed, signerOf } from "../fixtures/keys.ts";
import { callers, goldenEndpoints, type Caller } from "../protocol/golden-permissions.ts";
import { edge, fresh, Page, type CallInput, type Reply } from "./client.ts";
import { env } from "./environment.ts";

/** As the golden table means it: an operator, of another host. */
const elsewhere: RoleDefinition = {
  id: "branch-operator",
  permissions: ["metadata.read", "ledger.read", "alert.acknowledge", "gateway.operate"],
  hosts: ["h-elsewhere"],
  sessionSeconds: 7_200,
};

const names = Object.keys(endpoints) as EndpointName[];
const withSession = names.filter((name) => endpoints[name].access === "session");

let town: Town;
let host: string;
const members = new Map<Caller, SignedIn>();

async function enter(caller: Caller, role: string): Promise<void> {
  const member = await addMember(town, `p-${caller}`, [role]);
  members.set(caller, await signInMember(town, member, `session of ${caller}`));
}

beforeAll(async () => {
  town = await Town.at(edge);
  const peer = await HostPeer.at(edge, "host", town.workspace);
  await peer.join();
  await town.admit(peer);
  ({ host } = peer);
  for (const role of [...presetRoles, elsewhere]) {
    const { permissions, hosts, labels, ...rest } = role;
    const body = { ...rest, permissions: [...permissions], hosts: [...hosts] };
    expect(
      (await town.state("role.define", labels === undefined ? body : { ...body, labels: [...labels] })).status,
    ).toBe(200);
  }
  for (const caller of callers) {
    if (caller === "nobody") continue;
    const role = caller === "none" ? "viewer" : caller === "elsewhere" ? elsewhere.id : caller;
    await enter(caller, role);
  }
  // Signed in, and then the role is taken: the session ends with it.
  expect((await town.state("role.assign", { person: "p-none", roles: [] })).status).toBe(200);
});

function pageOf(caller: Caller): Promise<Page> | SignedIn["page"] {
  const member = members.get(caller);
  return member?.page ?? signerOf("session of nobody").then((signer) => new Page(signer));
}

/** Enough for a request to be about our host; nothing that would be carried out. */
async function inputOf(name: EndpointName, caller: Caller): Promise<CallInput> {
  const params = {
    host,
    intent: fresh(),
    alert: "a-nobody",
    digest: fresh(),
    index: "1",
    export: "x-nobody",
    stream: "s-nobody",
  };
  if (name === "ticket") return { params, body: { host } };
  const signer = await signerOf(`session of ${caller}`);
  if (name === "hostRead") return { params, body: { read: await signed(signer, "read", encodeCanonical({ v: 1 })) } };
  if (name !== "prepare") return { params };
  const member = members.get(caller);
  const actor = { session: member?.session ?? fresh() };
  const body = { v: 1, workspace: town.workspace, host, actor, operation: "host.check@1", jti: fresh() };
  return { params, body: { prepare: await signed(signer, "prepare", encodeCanonical(body)) } };
}

const OUT = new Set(["unauthenticated", "forbidden", "setup_used", "automation_refused"]);
/** Later refusals of whoever is let in to ask, but not about this host. */
const ELSEWHERE = new Set(["host_scope", "role", "host_unknown"]);

function letIn({ code }: Reply, caller: Caller): boolean {
  if (code === undefined) return true;
  return !OUT.has(code) && !(caller === "elsewhere" && ELSEWHERE.has(code));
}

async function called(name: EndpointName, caller: Caller, bend: CallInput = {}): Promise<Reply> {
  const page = await pageOf(caller);
  const { cookie } = page;
  const reply = await page.call(name, { ...(await inputOf(name, caller)), ...bend });
  page.cookie = cookie; // whoever has just signed out goes on trying
  return reply;
}

describe("every endpoint, as every role", () => {
  it("stands in the golden table", () => {
    expect(names.filter((name) => !(name in goldenEndpoints))).toEqual([]);
  });

  // Signing out comes last: it ends the session with which the others are called.
  const order = [
    ...names.filter((name) => name !== "signOut" && endpoints[name].access !== "ticket"),
    "signOut" as const,
  ];
  it.each(order)("%s", async (name) => {
    const found: Partial<Record<Caller, boolean>> = {};
    const answers: Partial<Record<Caller, string>> = {};
    for (const caller of callers) {
      const reply = await called(name, caller);
      found[caller] = letIn(reply, caller);
      answers[caller] = `${reply.status} ${reply.code ?? "ok"}`;
    }
    expect({ found, answers }).toEqual({ found: goldenEndpoints[name], answers });
  });
});

describe("a person without a role", () => {
  it("cannot sign in", async () => {
    const member = await addMember(town, "p-roleless", []);
    await expect(signInMember(town, member, "session of nobody")).rejects.toThrow("no_role");
  });
});

describe("a session that is none", () => {
  let admin: SignedIn;
  beforeAll(async () => {
    admin = await signInMember(town, await addMember(town, "p-second", ["admin"]), "session of second");
    members.set("admin", admin);
  });

  const refused = { status: 401, code: "unauthenticated" } as const;
  const isRefused = ({ status, code }: Reply): void => expect({ status, code }).toEqual(refused);

  it.each(withSession)("%s: replayed or altered, it opens nothing", async (name) => {
    const endpoint: Endpoint = endpoints[name];
    const other = endpoint.method === "GET" ? "POST" : "GET";
    const jti = fresh();
    if (name !== "signOut") {
      expect((await called(name, "admin", { request: { jti } })).code).not.toBe("unauthenticated");
      isRefused(await called(name, "admin", { request: { jti } }));
    }
    for (const request of [
      { path: "/api/health" },
      { method: other },
      { body: fresh() },
      { iat: Math.floor(Date.now() / 1_000) - 61 },
      { iat: Math.floor(Date.now() / 1_000) + 120 }, // still beyond a minute when a slow machine comes to it
      { jti: "x" },
      { v: 2 },
      { foreign: 1 },
    ])
      isRefused(await called(name, "admin", { request }));
    const header = { "clawhold-signature": "A".repeat(86) };
    for (const headers of [
      header,
      { cookie: undefined },
      { "clawhold-request": undefined },
      { "clawhold-signature": undefined },
    ])
      isRefused(await called(name, "admin", { headers }));
    isRefused(await called(name, "admin", { headers: { cookie: `__Host-clawhold=${fresh()}` } }));
  });

  it.each(withSession)("%s: signed by another's key, it opens nothing", async (name) => {
    const thief = new Page(await signerOf("stranger"), admin.page.cookie);
    isRefused(await thief.call(name, await inputOf(name, "admin")));
    const viewer = members.get("auditor");
    const swapped = new Page(viewer?.page.signer ?? admin.page.signer, admin.page.cookie);
    isRefused(await swapped.call(name, await inputOf(name, "admin")));
  });

  it("expired, it opens nothing at any endpoint", async () => {
    const sessions = env.SESSIONS.getByName(town.workspace);
    await runInDurableObject(
      sessions,
      (_, state) => void state.storage.sql.exec("UPDATE sign_ins SET expires = last_seen"),
    );
    await evictDurableObject(sessions);
    for (const name of withSession) isRefused(await called(name, "admin"));
  });
});
