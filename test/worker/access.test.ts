/** Cloudflare Access in front: what passes, what does not, and that it is never more than a filter. */
import { exportSPKI, importJWK, SignJWT } from "jose";
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import type { Env } from "../../durable-objects/env.ts";
import { toBase64url, utf8 } from "../../protocol/bytes.ts";
import { AUDIENCE, IdentityProvider, TEAM } from "../fixtures/edge/identity-provider.ts";
import { EdgePage, replyOf, type Edge } from "../fixtures/edge/page.ts";
import { Town } from "../fixtures/edge/town.ts";
import { edge, edgeWith, upgrade } from "./client.ts";
import { HostPeer } from "../fixtures/edge/host-peer.ts";

const HEADER = "cf-access-jwt-assertion";
const behind = (settings: Partial<Env> = {}): Edge =>
  edgeWith({ ACCESS_TEAM_DOMAIN: TEAM, ACCESS_AUDIENCE: AUDIENCE, ...settings });

let town: Town;
let provider: IdentityProvider;
beforeAll(async () => {
  town = await Town.at(edge);
});
beforeEach(async () => {
  provider = await IdentityProvider.start();
  vi.stubGlobal("fetch", provider.fetch);
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

/** The code with which a signed-in page is refused that brings this token; undefined: it is answered. */
async function codeOf(token: string | undefined, via: Edge = behind()): Promise<string | undefined> {
  const page = new EdgePage(via, town.page.signer, town.page.cookie);
  return (await page.call("me", { headers: { [HEADER]: token } })).code;
}

function later(seconds: number): void {
  const at = Date.now() + seconds * 1_000;
  vi.spyOn(Date, "now").mockImplementation(() => at);
}

describe("a token", () => {
  it("of a person lets the session's own proof be judged, as often as it is shown until its end", async () => {
    const token = await provider.token();
    const via = behind();
    expect(await codeOf(token, via)).toBeUndefined();
    expect(await codeOf(token, via)).toBeUndefined();
    expect(provider.asked).toEqual([`https://${TEAM}/cdn-cgi/access/certs`]);
  });

  it("of the signer's service token does too: a name and no address", async () => {
    expect(await codeOf(await provider.serviceToken())).toBeUndefined();
  });

  it("replaces nothing: without a session it opens nothing", async () => {
    const page = new EdgePage(behind(), town.page.signer);
    const headers = { [HEADER]: await provider.token() };
    expect((await page.call("me", { headers })).code).toBe("unauthenticated");
  });

  it("is missing: 403 with a sentence, and nothing is asked of anybody", async () => {
    const page = new EdgePage(behind(), town.page.signer, town.page.cookie);
    const { status, body } = await page.call("me");
    expect({ status, code: body["code"] }).toEqual({ status: 403, code: "access_required" });
    expect(body["title"]).toContain("Cloudflare Access");
    expect(provider.asked).toEqual([]);
  });

  it("is not read from the cookie, which is Access's own", async () => {
    const page = new EdgePage(behind(), town.page.signer, town.page.cookie);
    const cookie = `CF_Authorization=${await provider.token()}; __Host-clawhold=${town.page.cookie ?? ""}`;
    expect((await page.call("me", { headers: { cookie } })).code).toBe("access_required");
  });

  const now = Math.floor(Date.now() / 1_000);
  it.each([
    ["that ended", { exp: now - 60 }],
    ["that is not valid yet", { nbf: now + 600 }],
    ["without an end", { exp: undefined }],
    ["of another application", { aud: ["b2".repeat(32)] }],
    ["of no application", { aud: undefined }],
    ["of another team", { iss: "https://other.cloudflareaccess.com" }],
    ["of this team under http", { iss: `http://${TEAM}` }],
    ["of the organisation itself", { type: "org" }],
    ["of nobody", { email: undefined }],
    ["of an empty name", { email: "" }],
  ])("%s is refused", async (_, change) => {
    expect(await codeOf(await provider.token(change))).toBe("access_required");
  });

  it.each(["", "nonsense", "a.b.c", `${"x".repeat(4_000)}.y.z`])("that is none (%#) is refused", async (token) => {
    expect(await codeOf(token)).toBe("access_required");
  });

  it("that nobody signed is refused before a key is looked for", async () => {
    const part = (value: object): string => toBase64url(utf8(JSON.stringify(value)));
    const claims = (await provider.token()).split(".")[1] ?? "";
    expect(await codeOf(`${part({ alg: "none" })}.${claims}.`)).toBe("access_required");
    expect(await codeOf(`${part({ alg: "none", kid: "first" })}.${claims}.AAAA`)).toBe("access_required");
    expect(provider.asked).toEqual([]);
  });

  it("that the public key signed as if it were a secret is refused", async () => {
    const key = await importJWK(provider.publicKey, "RS256", { extractable: true });
    if (key instanceof Uint8Array) throw new Error("a secret");
    const token = await new SignJWT({ aud: [AUDIENCE], iss: `https://${TEAM}`, type: "app", email: "a@b.example" })
      .setProtectedHeader({ alg: "HS256", kid: "first" })
      .setIssuedAt()
      .setExpirationTime("1h")
      .sign(utf8(await exportSPKI(key)));
    expect(await codeOf(token)).toBe("access_required");
  });

  it("with a signature of another key, or a bent claim, is refused", async () => {
    const [header, , signature] = (await provider.token()).split(".");
    const [, claims] = (await provider.token({ email: "eve@harbour.example" })).split(".");
    const other = await IdentityProvider.start();
    expect(await codeOf(`${header}.${claims}.${signature}`)).toBe("access_required");
    expect(await codeOf(await other.token())).toBe("access_required");
  });
});

describe("the keys", () => {
  it("rotate: the new one is found, the old one still counts while it is published", async () => {
    const via = behind();
    const old = await provider.token();
    expect(await codeOf(old, via)).toBeUndefined();
    await provider.rotate("second");
    later(31);
    expect(await codeOf(await provider.token(), via)).toBeUndefined();
    expect(await codeOf(old, via)).toBeUndefined();
    expect(provider.asked).toHaveLength(2);
  });

  it("that were taken back count no longer than ten minutes", async () => {
    const via = behind();
    const old = await provider.token();
    expect(await codeOf(old, via)).toBeUndefined();
    await provider.rotate("second", true);
    later(590);
    expect(await codeOf(old, via)).toBeUndefined();
    later(20);
    expect(await codeOf(old, via)).toBe("access_required");
  });

  it("are asked for again after an unknown name, and not for each", async () => {
    const via = behind();
    expect(await codeOf(await provider.token(), via)).toBeUndefined();
    later(31);
    for (let i = 0; i < 5; i += 1)
      expect(await codeOf(await provider.token({}, { kid: `invented ${i}` }), via)).toBe("access_required");
    expect(provider.asked).toHaveLength(2);
  });

  it("out of reach let nobody in, say so, and are not asked for without end", async () => {
    provider.isDown = true;
    const via = behind();
    const token = await provider.token();
    const page = new EdgePage(via, town.page.signer, town.page.cookie);
    const { status, body } = await page.call("me", { headers: { [HEADER]: token } });
    expect({ status, code: body["code"] }).toEqual({ status: 503, code: "access_unreachable" });
    for (let i = 0; i < 40; i += 1) expect(await codeOf(token, via)).toBe("access_unreachable");
    expect(provider.asked.length).toBeLessThanOrEqual(20);
    provider.isDown = false;
    later(31);
    expect(await codeOf(token, via)).toBeUndefined();
  });

  it.each([
    ["another status", () => Response.json({ keys: [provider.publicKey] }, { status: 203 })],
    ["a redirect", () => new Response("", { status: 302, headers: { location: "https://evil.example/" } })],
    ["no JSON", () => new Response("<html>")],
    ["no keys", () => Response.json({ keys: "none" })],
    ["far too many", () => Response.json({ keys: [provider.publicKey], more: "x".repeat(70_000) })],
  ])("that come as %s are none", async (_, answer) => {
    vi.stubGlobal("fetch", () => Promise.resolve(answer()));
    expect(await codeOf(await provider.token())).toBe("access_unreachable");
  });
});

describe("the doors", () => {
  it("of the dashboard all ask, whatever is there: API, sockets, pages", async () => {
    const via = behind();
    for (const path of ["/", "/index.html", "/api/health", "/api/hosts/h-one/live", "/api/nothing"]) {
      const request = new Request(`http://clawhold.localhost:8443${path}`, { headers: { upgrade: "websocket" } });
      expect({ path, code: (await replyOf(await via.send("web", request))).code }).toEqual({
        path,
        code: "access_required",
      });
    }
  });

  it("of the agents does not ask: it has certificates", async () => {
    const via = behind();
    const health = await via.send("agent", new Request("https://agents.test:4471/health"));
    expect((await replyOf(health)).code).toMatch(/^certificate_/);
  });

  it.each([
    ["no audience", { ACCESS_AUDIENCE: undefined }],
    ["no team", { ACCESS_TEAM_DOMAIN: undefined }],
    ["an empty audience", { ACCESS_AUDIENCE: "" }],
    ["an audience that is none", { ACCESS_AUDIENCE: "mine" }],
    ["a team elsewhere", { ACCESS_TEAM_DOMAIN: "access.evil.example" }],
    ["a team with a path", { ACCESS_TEAM_DOMAIN: `${TEAM}/x` }],
    ["a team with a scheme", { ACCESS_TEAM_DOMAIN: `https://${TEAM}` }],
  ])("are all shut when it is configured by halves: %s", async (_, settings) => {
    const via = edgeWith({ ACCESS_TEAM_DOMAIN: TEAM, ACCESS_AUDIENCE: AUDIENCE, ...settings } as Partial<Env>);
    const token = await provider.token();
    expect(await codeOf(token, via)).toBe("access_misconfigured");
    const page = await replyOf(await via.send("web", new Request("http://clawhold.localhost:8443/api/health")));
    const agent = await replyOf(await via.send("agent", new Request("https://agents.test:4471/health")));
    expect([page.status, page.code, agent.code]).toEqual([503, "access_misconfigured", "access_misconfigured"]);
  });

  it("stay as they are where it is not configured", async () => {
    expect(await codeOf(undefined, edge)).toBeUndefined();
    const peer = await HostPeer.at(edge, "host", town.workspace);
    await peer.join();
    expect((await upgrade(peer)).status).toBe(101);
  });
});
