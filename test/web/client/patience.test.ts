import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { requestHeaders } from "../../../protocol/contracts.ts";
import { EdgeClock } from "../../../web/client/clock.ts";
import { EdgeClient } from "../../../web/client/http.ts";
import { MAX_WAITS, patienceFor } from "../../../web/client/patience.ts";
import { signerOf } from "../../fixtures/keys.ts";

const NOW = 1_800_000_000;
const limited = (retryAfter: string | undefined): Response =>
  new Response(JSON.stringify({ type: "about:blank", title: "Too often.", status: 429, code: "too_many", id: "x" }), {
    status: 429,
    headers: retryAfter === undefined ? {} : { "retry-after": retryAfter },
  });

describe("patience", () => {
  it.each([
    ["GET", "1", 1],
    ["GET", "0", 1],
    ["GET", "30", 30],
    ["GET", "31", undefined],
    ["GET", "soon", undefined],
    ["GET", "Wed, 21 Oct 2026 07:28:00 GMT", undefined],
    ["GET", undefined, undefined],
    ["POST", "1", undefined],
  ])("with %s and Retry-After %s: %s", (method, retryAfter, expected) => {
    expect(patienceFor(method, limited(retryAfter))).toBe(expected);
  });

  it("is for nothing but being asked too often", () => {
    expect(patienceFor("GET", new Response("", { status: 503, headers: { "retry-after": "1" } }))).toBeUndefined();
  });
});

describe("a question that was one too many", () => {
  /** Milliseconds that somebody waited. */
  let waited: number[];
  beforeEach(() => {
    waited = [];
    vi.stubGlobal("setTimeout", (work: () => void, milliseconds: number) => {
      waited.push(milliseconds);
      queueMicrotask(work);
    });
  });
  afterEach(() => vi.unstubAllGlobals());

  async function ask(answers: readonly Response[]) {
    const jtis = new Set<string>();
    const left = [...answers];
    vi.stubGlobal("fetch", (_path: string, init: { readonly headers: Record<string, string> }) => {
      jtis.add(init.headers[requestHeaders.body] ?? "");
      return Promise.resolve(left.shift() ?? limited("1"));
    });
    const clock = new EdgeClock();
    clock.set(NOW);
    const client = new EdgeClient({ clock, onReach: () => undefined, onUnauthorised: () => undefined });
    client.use(await signerOf("session"));
    return { result: await client.call("retention").catch((error: unknown) => error), jtis };
  }

  it("is signed and asked again after as long as the edge said", async () => {
    const { result, jtis } = await ask([limited("1"), limited("2"), Response.json({ segments: [], openFrom: 1 })]);
    expect(result).toEqual({ segments: [], openFrom: 1 });
    expect([jtis.size, waited]).toEqual([3, [1_000, 2_000]]);
  });

  it("is given up in the end, and says why", async () => {
    const { result, jtis } = await ask([]);
    expect(result).toMatchObject({ trouble: { code: "too_many" } });
    expect(jtis.size).toBe(MAX_WAITS + 1);
  });
});
