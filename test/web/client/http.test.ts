import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { fromBase64url } from "../../../protocol/bytes.ts";
import { requestHeaders } from "../../../protocol/contracts.ts";
import { verifySignature, type Signer } from "../../../protocol/signing.ts";
import { EdgeClock } from "../../../web/client/clock.ts";
import { EdgeClient } from "../../../web/client/http.ts";
import { TroubleError } from "../../../web/client/trouble.ts";
import { signerOf } from "../../fixtures/keys.ts";

const NOW = 1_800_000_000;
let first: Signer;
let second: Signer;
beforeEach(async () => {
  first = await signerOf("first key");
  second = await signerOf("second key");
});
afterEach(() => vi.unstubAllGlobals());

/** An edge that takes only this key; every request's key is written down. */
function edge(takes: () => Signer | undefined) {
  const tried: string[] = [];
  const jtis: string[] = [];
  vi.stubGlobal("fetch", async (_path: string, init: { headers: Record<string, string> }) => {
    const body = fromBase64url(init.headers[requestHeaders.body] ?? "");
    const signature = init.headers[requestHeaders.signature] ?? "";
    jtis.push((JSON.parse(new TextDecoder().decode(body)) as { jti: string }).jti);
    const key = takes();
    for (const [name, signer] of Object.entries({ first, second })) {
      const { publicKey } = signer;
      if (await verifySignature({ kind: "request", body, signature, publicKey })) tried.push(name);
    }
    const ok =
      key !== undefined && (await verifySignature({ kind: "request", body, signature, publicKey: key.publicKey }));
    const refusal = { type: "about:blank", title: "No.", status: 401, code: "unauthenticated", id: "x" };
    return new Response(JSON.stringify(ok ? { ok: true } : refusal), {
      status: ok ? 200 : 401,
      headers: { date: new Date(NOW * 1000).toUTCString() },
    });
  });
  return { tried, jtis };
}

function client() {
  const clock = new EdgeClock();
  clock.set(NOW);
  const left: string[] = [];
  const made = new EdgeClient({ clock, onReach: () => undefined, onUnauthorised: () => void left.push("left") });
  return { made, left };
}

describe("a request whose key the edge does not take", () => {
  it("is signed once more with another key of the same sign-in, which is kept", async () => {
    const { tried, jtis } = edge(() => second);
    const { made, left } = client();
    const adopted: string[] = [];
    made.use(first, {
      besides: (publicKey) => Promise.resolve(publicKey === first.publicKey ? [second] : []),
      adopted: (publicKey) => {
        adopted.push(publicKey);
        made.use(second);
        return Promise.resolve();
      },
    });
    await made.call("signOut", { body: {} });
    expect(tried).toEqual(["first", "second"]);
    expect(new Set(jtis).size).toBe(2);
    expect([adopted, left]).toEqual([[second.publicKey], []]);
    await made.call("signOut", { body: {} });
    expect(tried).toEqual(["first", "second", "second"]);
  });

  it("ends the sign-in when no key of it is taken", async () => {
    const { tried } = edge(() => undefined);
    const { made, left } = client();
    const adopted: string[] = [];
    made.use(first, {
      besides: () => Promise.resolve([second]),
      adopted: (publicKey) => Promise.resolve(void adopted.push(publicKey)),
    });
    await expect(made.call("signOut", { body: {} })).rejects.toBeInstanceOf(TroubleError);
    expect([tried, left, adopted]).toEqual([["first", "second"], ["left"], []]);
  });

  it("is sent once when there is no other", async () => {
    const { tried } = edge(() => undefined);
    const { made } = client();
    made.use(first);
    await expect(made.call("signOut", { body: {} })).rejects.toBeInstanceOf(TroubleError);
    expect(tried).toEqual(["first"]);
  });
});
