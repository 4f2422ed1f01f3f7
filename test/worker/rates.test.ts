/**
 * How often anybody may ask, as the Worker and its objects count it: at the limit and over it, by address and by session,
 * across evictions, and never so that one's failures reach another.
 */
import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { encodeCanonical } from "../../protocol/canonical.ts";
import type { LedgerDetail } from "../../protocol/ledger.ts";
import { BAN_FAILURES, BAN_SECONDS, rates, type RateName } from "../../protocol/rates.ts";
import { approvedBody } from "../fixtures/edge/edge-action.ts";
import { addMember, signInMember, type SignedIn } from "../fixtures/edge/people.ts";
import { certificateOf, EdgePage, fresh, ORIGIN, replyOf, type Reply } from "../fixtures/edge/page.ts";
import { Town } from "../fixtures/edge/town.ts";
import { signerOf } from "../fixtures/keys.ts";
import { edge, edgeWith, ledgerBodies, send } from "./client.ts";
import { env } from "./environment.ts";

const limited = edgeWith({ RATE_FACTOR: "1" });
/** Passes a banned address's 429s on to the counting object at once. */
const MEMORY_SECONDS = 10;

let town: Town;
let viewer: SignedIn;
let failing: unknown;
let clock = Date.now();
beforeAll(async () => {
  town = await Town.at(edge);
  viewer = await signInMember(town, await addMember(town, "p-viewer", ["viewer"]), "viewer");
  const { head: trustHead } = await town.trust();
  failing = await certificateOf(town.founded.passkey, { nonce: fresh(), workspace: town.workspace, trustHead });
});
beforeEach(() => {
  vi.spyOn(Date, "now").mockImplementation(() => clock);
});
afterEach(() => {
  vi.restoreAllMocks();
});
const pass = (seconds: number): void => void (clock += seconds * 1_000);

let addresses = 0;
/** One that no other test used. */
const someAddress = (): string => `198.51.100.${(addresses += 1)}`;
const from = (address: string) => ({ headers: { "cf-connecting-ip": address } });

const stranger = async (): Promise<EdgePage> => new EdgePage(limited, await signerOf("stranger"));
const nonceFrom = async (address: string): Promise<Reply> => (await stranger()).call("signInNonce", from(address));
const at = (member: { readonly page: EdgePage }): EdgePage =>
  new EdgePage(limited, member.page.signer, member.page.cookie);

/** A sign-in that fails: its nonce is none of the edge's. */
const failFrom = async (address: string): Promise<Reply> =>
  (await stranger()).call("signIn", { body: { session: failing }, ...from(address) });

async function codes(count: number, ask: () => Promise<Reply>): Promise<readonly (string | undefined)[]> {
  const seen: (string | undefined)[] = [];
  for (let i = 0; i < count; i += 1) seen.push((await ask()).code);
  return seen;
}

describe("whoever has proven nothing", () => {
  it("is counted by address, exactly, also across an eviction, and told when to come back", async () => {
    const address = someAddress();
    const first = await nonceFrom(address);
    expect(first.headers.get("ratelimit-policy")).toBe('"unauthenticated";q=10;w=60');
    expect(first.headers.get("ratelimit")).toBe('"unauthenticated";r=9;t=6');
    expect(await codes(4, () => nonceFrom(address))).toEqual(Array(4).fill(undefined));
    await evictDurableObject(env.LIMITS.getByName(town.workspace));
    expect(await codes(5, () => nonceFrom(address))).toEqual(Array(5).fill(undefined));
    const over = await nonceFrom(address);
    expect([over.status, over.code, over.headers.get("retry-after")]).toEqual([429, "too_many", "6"]);
    expect(over.headers.get("ratelimit")).toBe('"unauthenticated";r=0;t=6');
    expect((await nonceFrom(someAddress())).status).toBe(200);
    pass(7);
    expect(await codes(2, () => nonceFrom(address))).toEqual([undefined, "too_many"]);
  });

  it("is one subscriber in a whole /64, and another in the next", async () => {
    expect(await codes(10, () => nonceFrom("2001:db8:0:1::1"))).toEqual(Array(10).fill(undefined));
    expect((await nonceFrom("2001:db8:0:1:ffff::9")).code).toBe("too_many");
    expect((await nonceFrom("2001:db8:0:2::1")).code).toBeUndefined();
  });

  it("is not counted by address on the edge's own machine, where everybody has the same one", async () => {
    for (const address of ["127.0.0.1", "::1"])
      expect(await codes(30, () => nonceFrom(address))).toEqual(Array(30).fill(undefined));
    expect(await codes(BAN_FAILURES + 5, () => failFrom("127.0.0.1"))).toEqual(
      Array(BAN_FAILURES + 5).fill("sign_in_refused"),
    );
    expect((await nonceFrom("127.0.0.1")).status).toBe(200);
    expect((await env.LIMITS.getByName(town.workspace).standing(town.workspace)).bans).toEqual([]);
  });

  it("without an address is counted with all who have none", async () => {
    const page = await stranger();
    const ask = (): Promise<Reply> => page.call("signInNonce", { headers: { "cf-connecting-ip": undefined } });
    expect(await codes(11, ask)).toEqual([...Array(10).fill(undefined), "too_many"]);
  });

  it.each(["setupState", "invitationState", "invitationOptions", "signIn", "health", "live"] as const)(
    "waits at %s too",
    async (name) => {
      const address = someAddress();
      const page = await stranger();
      const input = { params: { host: "h-one" }, ...from(address), body: { token: fresh(), name: "Eve" } };
      const allowed = { setupState: 8, invitationState: 10, invitationOptions: 5, signIn: 5, health: 60, live: 10 }[
        name
      ];
      const seen = await codes(allowed + 1, () => page.call(name, input));
      expect(seen.slice(0, -1)).not.toContain("too_many");
      expect(seen.at(-1)).toBe("too_many");
    },
  );

  it("cannot guess at sessions, keys or tickets without being counted", async () => {
    const page = await stranger();
    page.cookie = fresh();
    const address = someAddress();
    expect(await codes(11, () => page.call("me", from(address)))).toEqual([
      ...Array(10).fill("unauthenticated"),
      "too_many",
    ]);
    const other = someAddress();
    expect(await codes(11, () => page.call("automationTrust", from(other)))).toEqual([
      ...Array(10).fill("automation_refused"),
      "address_banned",
    ]);
  });

  it("hears the same whether or not there is such an invitation", async () => {
    const { page: admin } = await signInMember(town, { id: "p-admin", passkey: town.founded.passkey }, fresh());
    const { token } = await admin.must("invite", { body: { label: "Grace" } });
    const address = someAddress();
    const page = await stranger();
    const ask = async (body: string) => {
      const { code, headers } = await page.call("invitationState", { body: { token: body }, ...from(address) });
      return { code, limit: headers.get("ratelimit") };
    };
    await codes(8, () => page.call("invitationState", { body: { token: fresh() }, ...from(address) }));
    expect(await ask(String(token))).toEqual({ code: undefined, limit: '"unauthenticated";r=1;t=54' });
    expect(await ask(fresh())).toEqual({ code: "invitation_wrong", limit: '"unauthenticated";r=0;t=60' });
    expect(await ask(String(token))).toEqual({ code: "too_many", limit: '"unauthenticated";r=0;t=6' });
    expect(await ask(fresh())).toEqual({ code: "too_many", limit: '"unauthenticated";r=0;t=6' });
  });

  it("is not banned for tokens of hosts: its owner still signs in from there", async () => {
    const address = someAddress();
    const headers = { "cf-connecting-ip": address };
    const body = encodeCanonical({ token: fresh(), join: "AAAA", signature: "A".repeat(86) });
    const init = { method: "POST", headers, body, cf: { tlsClientAuth: { certPresented: "0" } } };
    const ask = () =>
      limited.send("agent", new Request("https://agents.test:4471/join", init as unknown as RequestInit));
    for (let i = 0; i < 2 * BAN_FAILURES; i += 1) {
      expect((await replyOf(await ask())).code).toBe("join_token_wrong");
      pass(6);
    }
    expect((await nonceFrom(address)).code).toBeUndefined();
  });

  it("that asks to join is counted too", async () => {
    const headers = { "cf-connecting-ip": someAddress() };
    const ask = () => {
      const init = { method: "POST", headers, body: "{}", cf: { tlsClientAuth: { certPresented: "0" } } };
      return limited.send("agent", new Request("https://agents.test:4471/join", init as unknown as RequestInit));
    };
    for (let i = 0; i < rates.join.burst; i += 1) expect((await ask()).status).not.toBe(429);
    expect((await ask()).status).toBe(429);
  });
});

describe("whoever failed too often", () => {
  /** Failures of which none is stopped by the rate of sign-ins. */
  async function fail(address: string, times: number): Promise<void> {
    for (let i = 0; i < times; i += 1) {
      expect((await failFrom(address)).code).toBe("sign_in_refused");
      pass(13);
    }
  }

  it("is banned for longer each time, and each ban is an entry and in the end an alert", async () => {
    const address = someAddress();
    const before = (await ledgerBodies(town.workspace)).length;
    for (const seconds of BAN_SECONDS) {
      await fail(address, BAN_FAILURES - 1);
      expect((await nonceFrom(address)).code).toBeUndefined();
      expect((await failFrom(address)).code).toBe("sign_in_refused");
      const banned = await nonceFrom(address);
      expect([banned.status, banned.code]).toEqual([429, "address_banned"]);
      expect(Number(banned.headers.get("retry-after"))).toBe(seconds);
      await evictDurableObject(env.LIMITS.getByName(town.workspace));
      pass(seconds - 1);
      expect((await nonceFrom(address)).code).toBe("address_banned");
      pass(1);
      expect((await nonceFrom(address)).code).toBeUndefined();
      pass(60);
    }
    const entries = (await ledgerBodies(town.workspace)).slice(before);
    const bans = entries.filter(({ action }) => action === "address.banned");
    expect(bans.map(({ detail }) => (detail as LedgerDetail).ban)).toEqual(
      BAN_SECONDS.map((seconds, index) => ({ seconds, times: index + 1 })),
    );
    expect(bans.every(({ actor, source }) => (actor as { kind: string }).kind === "edge" && source !== undefined)).toBe(
      true,
    );
    const alerts = await env.ALERTS.getByName(town.workspace).list(town.workspace);
    expect(alerts.filter(({ kind }) => kind === "address.banned").map(({ times }) => times)).toEqual([3]);
  });

  it("does not reach whoever is signed in behind the same address", async () => {
    const address = someAddress();
    await fail(address, BAN_FAILURES);
    expect((await nonceFrom(address)).code).toBe("address_banned");
    const { page } = await signInMember(town, { id: "p-viewer", passkey: viewer.passkey }, fresh());
    expect((await at({ page }).call("me", from(address))).status).toBe(200);
  });

  it("is nobody whose failures are far apart", async () => {
    const address = someAddress();
    for (let i = 0; i < 2 * BAN_FAILURES; i += 1) {
      expect((await failFrom(address)).code).toBe("sign_in_refused");
      pass(70);
    }
  });

  it("is nobody who is spared, though counted like everybody; and an administrator can end a ban", async () => {
    const spared = someAddress();
    const page = async () => (await signInMember(town, { id: "p-admin", passkey: town.founded.passkey }, fresh())).page;
    const change = async (what: object) => {
      const admin = await signInMember(town, { id: "p-admin", passkey: town.founded.passkey }, fresh());
      const of = { workspace: town.workspace, session: admin.session, passkey: admin.passkey };
      const body = await approvedBody(of, { endpoint: "networksChange", change: { ...what } });
      return admin.page.call("networksChange", { body });
    };
    expect((await change({ setting: "networkAdd", list: "spared", network: spared })).status).toBe(200);
    await fail(spared, BAN_FAILURES + 2);
    expect(await codes(11, () => nonceFrom(spared))).toEqual([...Array(10).fill(undefined), "too_many"]);

    const banned = someAddress();
    await fail(banned, BAN_FAILURES);
    expect((await nonceFrom(banned)).code).toBe("address_banned");
    const { bans } = await (await page()).must("networks");
    expect(bans).toEqual([expect.objectContaining({ network: banned, times: 1 })]);
    expect((await change({ setting: "addressUnban", network: banned })).body["bans"]).toEqual([]);
    pass(MEMORY_SECONDS);
    expect((await nonceFrom(banned)).code).toBeUndefined();
    expect((await ledgerBodies(town.workspace)).at(-1)).toMatchObject({ action: "address.unbanned" });
    expect((await change({ setting: "addressUnban", network: banned })).code).toBe("network_unknown");
  });

  it("writes the log only so far", async () => {
    const refused = async () =>
      (await ledgerBodies(town.workspace)).filter(({ action }) => action === "session.refused").length;
    pass(3_600);
    await runInDurableObject(env.LIMITS.getByName(town.workspace), (limits) => {
      for (let i = 1; i < 240; i += 1) expect(limits.takeEntry(town.workspace)).toBe(true);
    });
    const before = await refused();
    expect(await codes(3, () => failFrom("127.0.0.1"))).toEqual(Array(3).fill("sign_in_refused"));
    expect((await refused()) - before).toBe(1);
  });
});

describe("whoever is signed in", () => {
  const asks = async (page: EdgePage, count: number) => codes(count, () => page.call("me"));

  it("has a burst, then a hundred a minute; administrators have more", async () => {
    const page = at(await signInMember(town, viewer, fresh()));
    const { burst } = rates.authenticated;
    expect(await asks(page, burst)).toEqual(Array(burst).fill(undefined));
    const over = await page.call("me");
    expect([over.status, over.code, over.headers.get("retry-after")]).toEqual([429, "too_many", "1"]);
    expect(over.headers.get("ratelimit")).toBe('"authenticated";r=0;t=1');
    pass(60);
    expect((await asks(page, 101)).filter((code) => code === undefined)).toHaveLength(100);

    const admin = at(await signInMember(town, { id: "p-admin", passkey: town.founded.passkey }, fresh()));
    const { headers } = await admin.call("me");
    expect(headers.get("ratelimit-policy")).toBe('"administrator";q=900;w=180');
  });

  it("reads the log and takes an approved copy by rates of their own, which leave the general one alone", async () => {
    const page = at(await signInMember(town, { id: "p-admin", passkey: town.founded.passkey }, fresh()));
    const policies = [
      ["activity", '"log-reading";q=900;w=180'],
      ["exportPart", '"export-part";q=1200;w=120'],
    ] as const;
    for (const [name, policy] of policies) {
      const { headers } = await page.call(name, { params: { export: "x-nobody" } });
      expect(headers.get("ratelimit-policy")).toBe(policy);
    }
    expect((await page.call("me")).headers.get("ratelimit")).toBe('"administrator";r=899;t=1');
  });

  it("shares nothing with another session, not even of the same person", async () => {
    const one = at(await signInMember(town, viewer, fresh()));
    const ask = (page: EdgePage) => codes(rates.export.burst + 1, () => page.call("exportStart"));
    expect((await ask(one)).at(-1)).toBe("too_many");
    const other = at(await signInMember(town, viewer, fresh()));
    expect((await ask(other)).slice(0, -1)).not.toContain("too_many");
  });

  it.each([
    ["command", "step-up", { submission: "AAAA" }],
    ["retentionChange", "step-up", {}],
    ["passkeyOptions", "passkey", {}],
    ["exportStart", "export", {}],
    ["invite", "invitation", { label: "" }],
  ] as const)("is held to less at %s", async (name, rate: RateName, body) => {
    const page = at(await signInMember(town, viewer, fresh()));
    const { burst } = rates[rate];
    const seen = await codes(burst + 1, () => page.call(name, { body }));
    expect(seen.slice(0, -1)).not.toContain("too_many");
    expect(seen.at(-1)).toBe("too_many");
    expect((await page.call("me")).status).toBe(200);
  });

  it("uses nothing up with requests that are not theirs to the letter", async () => {
    const page = at(await signInMember(town, viewer, fresh()));
    const request = await page.request("me", from("127.0.0.1"));
    for (let i = 0; i < 30; i += 1) await send("web", new Request(request), { ...env, RATE_FACTOR: "1" });
    const { headers } = await page.call("me", from("127.0.0.1"));
    expect(headers.get("ratelimit")).toBe('"authenticated";r=298;t=2');
  });
});

describe("the factor", () => {
  it.each(["0", "1.5", "1001", "-1", "", "many"])("%j shuts every door with a sentence", async (factor) => {
    const via = edgeWith({ RATE_FACTOR: factor });
    for (const door of ["web", "agent"] as const) {
      const response = await via.send(door, new Request(`${ORIGIN}/api/health`));
      expect([response.status, ((await response.json()) as { code: string }).code]).toEqual([
        503,
        "rates_misconfigured",
      ]);
    }
  });
});
