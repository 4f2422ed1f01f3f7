import { evictDurableObject } from "cloudflare:test";
import { beforeAll, describe, expect, it } from "vitest";
import { MAX_BODY_BYTES, MAX_SESSIONS_PER_PERSON } from "../../protocol/limits.ts";
import { signerOf } from "../fixtures/keys.ts";
import { createCredential } from "../fixtures/authenticator.ts";
import {
  certificateOf,
  fresh,
  found,
  ledgerBodies,
  now,
  Page,
  replyOf,
  send,
  type CallInput,
  type Founded,
} from "./client.ts";
import { env } from "./environment.ts";

let founded: Founded;
let page: Page;
beforeAll(async () => {
  founded = await found();
  ({ page } = founded);
});

/** A page that is not signed in, on the same origin. */
const visitor = async (): Promise<Page> => new Page(await signerOf("session"));

describe("a request in a session", () => {
  it("needs cookie and signature, both, and agreeing with what arrived", async () => {
    expect((await page.call("me")).body).toMatchObject({
      person: "p-ada",
      session: founded.session,
      name: { value: "Ada" },
    });
    const bends: readonly CallInput[] = [
      { headers: { cookie: undefined } },
      { headers: { cookie: `__Host-clawhold=${fresh()}` } },
      { headers: { cookie: `__Host-clawhold=${page.cookie}; __Host-clawhold=${page.cookie}` } },
      { headers: { cookie: "__Host-clawhold=short" } },
      { headers: { "clawhold-request": undefined } },
      { headers: { "clawhold-signature": undefined } },
      { headers: { "clawhold-request": "!", "clawhold-signature": "!" } },
      { headers: { "clawhold-signature": "A".repeat(86) } },
      { request: { path: "/api/hosts" } },
      { request: { method: "POST" } },
      { request: { body: fresh() } },
      { request: { iat: now() - 61 } },
      { request: { iat: now() + 90 } },
      { request: { jti: "x" } },
      { request: { extra: 1 } },
      { query: "?x=1", request: { path: "/api/me" } },
    ];
    for (const bend of bends) {
      const { code, status } = await page.call("me", bend);
      expect({ bend, status, code }).toEqual({ bend, status: 401, code: "unauthenticated" });
    }
    const stranger = new Page(await signerOf("stranger"), page.cookie);
    expect((await stranger.call("me")).code).toBe("unauthenticated");
  });

  it("is refused from another origin or site", async () => {
    expect((await page.call("me", { headers: { "sec-fetch-site": "cross-site" } })).code).toBe("origin");
    expect((await page.call("me", { headers: { "sec-fetch-site": "same-site" } })).code).toBe("origin");
    expect((await page.call("me", { headers: { origin: "http://localhost:8443" } })).code).toBe("origin");
    expect((await page.call("passkeyOptions", { headers: { origin: undefined } })).code).toBe("origin");
    expect((await page.call("passkeyOptions", { headers: { origin: "https://daily.example" } })).code).toBe("origin");
    expect((await page.call("me", { headers: { "sec-fetch-site": "same-origin" } })).status).toBe(200);
  });

  it("is good once: a read within this object's life, a write for ever", async () => {
    const jti = fresh();
    expect((await page.call("me", { request: { jti } })).status).toBe(200);
    expect((await page.call("me", { request: { jti } })).code).toBe("unauthenticated");
    expect((await page.call("passkeyOptions", { request: { jti } })).status).toBe(200);
    await evictDurableObject(env.SESSIONS.getByName(founded.workspace));
    expect((await page.call("passkeyOptions", { request: { jti } })).code).toBe("unauthenticated");
    expect((await page.call("me")).status).toBe(200);
  });

  it("must be small JSON that fits the contract", async () => {
    expect((await page.call("ticket", { body: { host: "h-x", more: 1 } })).code).toBe("malformed_request");
    expect((await page.call("ticket", { headers: { "content-type": "text/plain" } })).code).toBe("media_type");
    expect((await page.call("ticket", { body: { host: "x".repeat(MAX_BODY_BYTES) } })).code).toBe("too_large");
    const stream = new ReadableStream({
      pull(controller) {
        controller.enqueue(new Uint8Array(65_536));
      },
    });
    const endless = new Request("http://clawhold.localhost:8443/api/tickets", { method: "POST", body: stream });
    expect((await replyOf(await send("web", endless))).code).toBe("too_large");
    const withBody = new Request("http://clawhold.localhost:8443/api/nothing");
    expect((await replyOf(await send("web", withBody))).code).toBe("not_found");
  });

  it("is answered with security headers, whatever the answer", async () => {
    for (const reply of [
      await page.call("me"),
      await page.call("me", { headers: { cookie: undefined } }),
      await page.call("activity", { query: "?limit=x" }),
    ]) {
      expect(reply.headers.get("cache-control")).toBe("no-store");
      expect(reply.headers.get("content-security-policy")).toContain("default-src 'none'");
      expect(reply.headers.get("content-security-policy")).toContain("frame-ancestors 'none'");
      expect(reply.headers.get("x-content-type-options")).toBe("nosniff");
    }
  });
});

describe("signing in", () => {
  const signIn = async (
    change: object = {},
    knobs: { passkey?: Founded["passkey"]; offer?: object; origin?: string } = {},
  ) => {
    const visiting = await visitor();
    const offer = { ...(await visiting.must("signInNonce")), ...knobs.offer };
    const session = await certificateOf(knobs.passkey ?? founded.passkey, offer, { ...change });
    const reply = await visiting.call("signIn", {
      body: { session },
      ...(knobs.origin === undefined ? {} : { headers: { origin: knobs.origin } }),
    });
    return { visiting, reply, session };
  };
  const lastEntry = async () => (await ledgerBodies(founded.workspace)).at(-1);

  it("opens a session with one touch, recorded with its source", async () => {
    const { visiting, reply } = await signIn();
    expect(reply.status).toBe(200);
    expect((await visiting.call("me")).status).toBe(200);
    expect(await lastEntry()).toMatchObject({
      action: "session.started",
      actor: { kind: "person", id: "p-ada" },
      source: expect.any(String),
    });
    expect((await visiting.must("signInNonce"))["lifetime"]).toBe(7_200);
  });

  it("refuses everything else alike, and records why", async () => {
    const stranger = await createCredential({ rpId: "clawhold.localhost" });
    const cases: readonly (readonly [string, () => ReturnType<typeof signIn>])[] = [
      ["nonce", () => signIn({ nonce: fresh() })],
      ["session_workspace", () => signIn({ workspace: fresh() })],
      ["trust_behind", () => signIn({ trustHead: { n: 7, hash: fresh(), revoked: fresh() } })],
      ["session.origin", () => signIn({ origin: "https://daily.example" })],
      ["session.credential", () => signIn({}, { passkey: stranger })],
      ["clock", () => signIn({ iat: now() - 700, exp: now() + 100 })],
      ["session_lifetime", () => signIn({ exp: now() - 1 })],
      ["session_malformed", () => signIn({ v: 2 })],
    ];
    for (const [code, attempt] of cases) {
      const { reply, visiting } = await attempt();
      expect({ code, status: reply.status, shown: reply.code }).toEqual({
        code,
        status: 401,
        shown: "sign_in_refused",
      });
      expect(await lastEntry()).toMatchObject({
        action: "session.refused",
        actor: { kind: "unknown" },
        detail: { code },
        source: expect.any(String),
      });
      expect(visiting.cookie).toBeUndefined();
    }
    const { reply } = await signIn({}, { origin: "http://evil.localhost:8443" });
    expect(reply.code).toBe("origin");
  });

  it("refuses an assertion without user verification, and one over something else", async () => {
    const { asserted } = await import("../fixtures/workspace.ts");
    const { fromBase64url } = await import("../../protocol/bytes.ts");
    for (const [knobs, code] of [
      [{ flags: 0x01 }, "session.user_verification"],
      [{ challenge: fresh() }, "session.challenge"],
      [{ crossOrigin: true }, "session.cross_origin"],
      [{ origin: "http://clawhold.localhost:9999" }, "session.origin"],
      [{ mutateSignature: (s: Uint8Array) => s.with(s.length - 1, (s.at(-1) ?? 0) ^ 1) }, "session.signature"],
    ] as const) {
      const visiting = await visitor();
      const honest = await certificateOf(founded.passkey, await visiting.must("signInNonce"));
      const session = await asserted(founded.passkey, "session", { body: fromBase64url(honest.body), knobs });
      expect((await visiting.call("signIn", { body: { session } })).code).toBe("sign_in_refused");
      expect(await lastEntry()).toMatchObject({ detail: { code } });
    }
  });

  it("uses a nonce once, also when two race", async () => {
    const { visiting, session } = await signIn();
    expect((await visiting.call("signIn", { body: { session } })).code).toBe("sign_in_refused");
    const racer = await visitor();
    const again = await certificateOf(founded.passkey, await racer.must("signInNonce"));
    const replies = await Promise.all([
      racer.call("signIn", { body: { session: again } }),
      racer.call("signIn", { body: { session: again } }),
    ]);
    expect(replies.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 401]);
  });

  it("opens nothing that the ledger cannot record", async () => {
    await env.DB.exec("CREATE TRIGGER full BEFORE INSERT ON ledger BEGIN SELECT RAISE(ABORT, 'disk full'); END");
    const { reply, visiting } = await signIn();
    expect(reply.code).toBe("ledger_unavailable");
    expect(visiting.cookie).toBeUndefined();
    await env.DB.exec("DROP TRIGGER full");
  });

  it("ends the oldest session of a person who holds too many", async () => {
    const first = (await signIn()).visiting;
    for (let i = 0; i < MAX_SESSIONS_PER_PERSON; i++) await signIn();
    expect((await first.call("me")).code).toBe("unauthenticated");
    expect(
      (await ledgerBodies(founded.workspace)).some(
        ({ action, actor }) => action === "session.ended" && (actor as { kind: string }).kind === "edge",
      ),
    ).toBe(true);
  });
});

describe("a session's end", () => {
  it("is final after sign-out", async () => {
    const visiting = await visitor();
    const session = await certificateOf(founded.passkey, await visiting.must("signInNonce"));
    await visiting.must("signIn", { body: { session } });
    const { cookie } = visiting;
    expect((await visiting.call("signOut")).status).toBe(200);
    expect(visiting.cookie).toBeUndefined();
    visiting.cookie = cookie;
    expect((await visiting.call("me")).code).toBe("unauthenticated");
  });

  it("comes by idleness and by the clock, also while the object slept", async () => {
    const { runInDurableObject } = await import("cloudflare:test");
    for (const sql of ["UPDATE sign_ins SET last_seen = last_seen - 901", "UPDATE sign_ins SET expires = last_seen"]) {
      const visiting = await visitor();
      const session = await certificateOf(founded.passkey, await visiting.must("signInNonce"));
      await visiting.must("signIn", { body: { session } });
      const stub = env.SESSIONS.getByName(founded.workspace);
      await runInDurableObject(stub, (_, state) => void state.storage.sql.exec(sql));
      await evictDurableObject(stub);
      expect((await visiting.call("me")).code).toBe("unauthenticated");
    }
  });
});
