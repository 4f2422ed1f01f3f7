import { beforeAll, describe, expect, it } from "vitest";
import { signerOf } from "../fixtures/keys.ts";
import { admin, fresh, found, foundingOf, ledgerBodies, now, offerSetup, Page, registerFirst } from "./client.ts";

describe("the setup link", () => {
  it("opens nothing before it is offered", async () => {
    const page = new Page(await signerOf("setup"));
    expect((await page.call("setupState")).code).toBe("setup_wrong");
    const before = await admin("/admin/workspace");
    expect(before.status).toBe(200);
    expect(before.body).toEqual({});
    const certificate = await admin("/admin/server-certificate", { fingerprint: "c".repeat(64) });
    expect(certificate.body).toEqual({ isRecorded: false });
    expect((await page.call("signInNonce")).code).toBe("no_workspace");
    expect((await page.call("me")).code).toBe("unauthenticated");
  });

  it("gives the edge's keys to its holder and to nobody else", async () => {
    await offerSetup(await signerOf("setup"));
    const page = new Page(await signerOf("setup"));
    const { body } = await page.call("setupState");
    expect(body).toMatchObject({
      dispatchKey: (await signerOf("dispatch")).publicKey,
      ledgerKey: (await signerOf("ledger")).publicKey,
    });
    expect((await new Page(await signerOf("stranger")).call("setupState")).code).toBe("setup_wrong");
  });

  it("is refused when it has ended, when another replaced it, and when the request is a replay or bent", async () => {
    const setup = await signerOf("setup");
    const page = new Page(setup);
    await offerSetup(setup, now() - 1);
    expect((await page.call("setupState")).code).toBe("setup_expired");
    await offerSetup(await signerOf("newer setup"));
    expect((await page.call("setupState")).code).toBe("setup_wrong");
    await offerSetup(setup);
    const jti = fresh();
    expect((await page.call("setupState", { request: { jti } })).status).toBe(200);
    expect((await page.call("setupState", { request: { jti } })).code).toBe("setup_wrong");
    expect((await page.call("setupState", { request: { iat: now() - 61 } })).code).toBe("setup_wrong");
    expect((await page.call("setupState", { request: { path: "/api/me" } })).code).toBe("setup_wrong");
    expect((await page.call("setupState", { headers: { "clawhold-signature": undefined } })).code).toBe("setup_wrong");
    expect((await page.call("setupState", { headers: { "sec-fetch-site": "cross-site" } })).code).toBe("origin");
    expect(
      (await page.call("setupOptions", { body: { name: "Ada" }, headers: { origin: "http://evil.localhost" } })).code,
    ).toBe("origin");
  });

  it("cannot be offered for longer than 15 minutes or for a key that is no key", async () => {
    expect((await offerSetup(await signerOf("setup"), now() + 1_000)).code).toBe("malformed_request");
    expect((await admin("/admin/setup", { setupKey: "A".repeat(43), expires: now() + 60 })).code).toBe(
      "malformed_request",
    );
  });
});

describe("a first passkey", () => {
  it("answers its own ceremony's challenge, once, with user verification", async () => {
    const setup = await signerOf("setup");
    await offerSetup(setup);
    const { page } = await registerFirst(setup);
    const { createCredential, registrationJson, FLAGS } = await import("../fixtures/authenticator.ts");
    const passkey = await createCredential({ rpId: "clawhold.localhost" });
    const challengeOf = async (): Promise<string> => {
      const { options } = await page.must("setupOptions", { body: { name: "Ada" } });
      return (JSON.parse(String(options)) as { challenge: string }).challenge;
    };
    const register = async (challenge: string, knobs: object): Promise<string | undefined> => {
      const response = JSON.stringify(registrationJson(passkey, challenge, knobs));
      return (await page.call("setupPasskey", { body: { response } })).code;
    };
    expect(await register(fresh(), {})).toBe("passkey_refused");
    const withoutVerification = { flags: FLAGS.UP | FLAGS.AT };
    expect(await register(await challengeOf(), withoutVerification)).toBe("passkey_refused");
    expect(await register(await challengeOf(), { origin: "http://evil.localhost:8443" })).toBe("passkey_refused");
    expect(await register(await challengeOf(), { rpId: "localhost" })).toBe("passkey_refused");
    expect(await register(await challengeOf(), { crossOrigin: true })).toBe("passkey_refused");
    expect(await register(await challengeOf(), { type: "webauthn.get" })).toBe("passkey_refused");
    const challenge = await challengeOf();
    expect(await register(challenge, {})).toBeUndefined();
    expect(await register(challenge, {})).toBe("passkey_refused");
    expect(await register(await challengeOf(), {})).toBe("passkey_exists");
    expect((await page.call("setupPasskey", { body: { response: "{}" } })).code).toBe("passkey_refused");
    expect((await page.call("setupPasskey", { body: { response: "not json" } })).code).toBe("passkey_refused");
  });

  it.each(["ES256", "RS256", "Ed25519"] as const)("is pinned as the browser's own key: %s", async (alg) => {
    const setup = await signerOf("setup");
    await offerSetup(setup);
    const page = new Page(setup);
    const { createCredential, registrationJson } = await import("../fixtures/authenticator.ts");
    const { options } = await page.must("setupOptions", { body: { name: "Ada" } });
    const passkey = await createCredential({ alg, rpId: "clawhold.localhost", backupEligible: true });
    const { challenge } = JSON.parse(String(options)) as { challenge: string };
    const response = JSON.stringify(registrationJson(passkey, challenge));
    expect(await page.must("setupPasskey", { body: { response } })).toEqual(passkey.pinned);
  });
});

describe("the first root", () => {
  beforeAll(async () => {
    await offerSetup(await signerOf("setup"));
  });

  it("is refused when it names other keys, another signer, another passkey, or is not signed by the link", async () => {
    const setup = await signerOf("setup");
    const registered = await registerFirst(setup);
    const stranger = await signerOf("stranger");
    const codeOf = async (change: Parameters<typeof foundingOf>[2]): Promise<string | undefined> => {
      const { page, body } = await foundingOf(setup, registered, change);
      return (await page.call("setupRoot", { body })).code;
    };
    expect(await codeOf((draft) => void (draft.root["dispatchKey"] = stranger.publicKey))).toBe("root_keys");
    expect(await codeOf((draft) => void (draft.root["ledgerKey"] = stranger.publicKey))).toBe("root_keys");
    expect(
      await codeOf((draft) => {
        const [signer, daily] = draft.root["origins"] as object[];
        draft.root["origins"] = [{ ...signer, origin: "http://clawhold.localhost:9999" }, daily];
        draft.session["origin"] = "http://clawhold.localhost:9999";
        draft.knobs = { origin: "http://clawhold.localhost:9999" };
      }),
    ).toBe("root_origin");
    expect(await codeOf((draft) => void (draft.signer = stranger))).toBe("setup_key");
    expect(await codeOf((draft) => void (draft.session["workspace"] = fresh()))).toBe("session");
    expect(await codeOf((draft) => void (draft.session["exp"] = now() + 7_300))).toBe("sign_in_refused");
    const { createCredential } = await import("../fixtures/authenticator.ts");
    const other = await createCredential({ rpId: "clawhold.localhost" });
    expect(await codeOf((draft) => void (draft.admin = other))).toBe("root_passkey");
  });

  it("comes in once when two race, is recorded before it exists, and forgets the setup key", async () => {
    const setup = await signerOf("setup");
    const one = await foundingOf(setup, await registerFirst(setup));
    const two = await foundingOf(setup, await registerFirst(setup));
    const replies = await Promise.all([one, two].map(({ page, body }) => page.call("setupRoot", { body })));
    expect(replies.filter(({ status }) => status === 200)).toHaveLength(1);
    const winner = replies.find(({ status }) => status === 200);
    const workspace = String(winner?.body["workspace"]);
    expect((await ledgerBodies(workspace)).map(({ action }) => action)).toEqual([
      "workspace.created",
      "session.started",
    ]);
    expect(winner?.headers.get("set-cookie")).toMatch(
      /^__Host-clawhold=[\w-]{43}; Path=\/; Secure; HttpOnly; SameSite=Strict; Max-Age=\d+$/,
    );
    const later = new Page(setup);
    expect((await later.call("setupState")).code).toBe("setup_used");
    expect((await later.call("setupRoot", { body: two.body })).code).toBe("setup_used");
    expect((await offerSetup(setup)).code).toBe("workspace_exists");
    const shown = await admin("/admin/workspace");
    expect(shown.status).toBe(200);
    await expect(found()).rejects.toThrow();
  });
});
