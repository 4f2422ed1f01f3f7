/** The address where page and machine meet: for the page of this very origin, and for nobody else in the browser. */
import { writeFileSync } from "node:fs";
import * as v from "valibot";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { SECURITY_HEADERS } from "../../../agent/edge/headers.ts";
import type { TrustHead } from "../../../protocol/fields.ts";
import { MEMORY_PATH, signerMemorySchema } from "../../../protocol/signer-memory.ts";
import { nonceOf } from "../../fixtures/keys.ts";
import type { Answer } from "../edge/fixtures/harness.ts";
import { startHostileEdge, type HostileEdge } from "./fixtures/hostile-edge.ts";
import { startTestSigner, WORKSPACE, type TestSigner } from "./fixtures/signer.ts";

const head = (n: number, hash = `hash ${n}`): TrustHead => ({ n, hash: nonceOf(hash), revoked: nonceOf("none") });

let edge: HostileEdge;
let signer: TestSigner;
beforeEach(async () => {
  edge = await startHostileEdge();
  signer = await startTestSigner({ edge: `http://127.0.0.1:${edge.port}` });
});
afterEach(async () => {
  await signer.stop();
  await edge.stop();
});

type Headers = Readonly<Record<string, string>>;
const OURS = { "clawhold-memory": "1", "sec-fetch-dest": "empty", "sec-fetch-site": "same-origin" };
const ask = (headers: Headers = OURS): Promise<Answer> => signer.get(MEMORY_PATH, { headers });
const bring = (body: unknown, headers: Headers = { ...OURS, origin: signer.origin }): Promise<Answer> =>
  signer.get(MEMORY_PATH, { method: "POST", headers, body: typeof body === "string" ? body : JSON.stringify(body) });
const codeOf = ({ status, text }: Answer): unknown => [status, JSON.parse(text).code];

describe("the page's own machine", () => {
  it("says which workspace, which edge, and what was seen", async () => {
    const first = await ask();
    expect(JSON.parse(first.text)).toEqual({ workspace: WORKSPACE, edge: `http://127.0.0.1:${edge.port}` });
    expect(first.headers).toMatchObject({ ...SECURITY_HEADERS, "cache-control": "no-store" });
    expect((await bring({ workspace: WORKSPACE, head: head(3) })).status).toBe(200);
    expect(v.parse(signerMemorySchema, JSON.parse((await ask()).text)).head).toEqual(head(3));
  });

  it("is never asked through the edge", async () => {
    await ask();
    await bring({ workspace: WORKSPACE, head: head(1) });
    expect(edge.told).toEqual([]);
  });

  it.each([
    ["an older head", head(2)],
    ["another head at the same place", head(3, "forked")],
  ])("keeps what it has seen against %s, and says so in the terminal", async (_what, next) => {
    await bring({ workspace: WORKSPACE, head: head(3) });
    expect(codeOf(await bring({ workspace: WORKSPACE, head: next }))).toEqual([409, "older_history"]);
    expect(signer.memory.read(WORKSPACE)?.head).toEqual(head(3));
    const [said] = signer.events.filter(({ code }) => code === "older_history");
    expect(said?.level).toBe("warn");
    expect(said?.detail).toContain(signer.memory.pathOf(WORKSPACE));
  });

  it("takes no head of another workspace", async () => {
    expect(codeOf(await bring({ workspace: nonceOf("other"), head: head(1) }))).toEqual([409, "other_workspace"]);
  });

  it.each([
    ["nothing", " "],
    ["no JSON", "{"],
    ["an unknown member", { workspace: WORKSPACE, head: head(1), x: 1 }],
    ["no head", { workspace: WORKSPACE }],
    ["a negative place", { workspace: WORKSPACE, head: { ...head(1), n: -1 } }],
    ["more than a head", JSON.stringify({ workspace: WORKSPACE, head: head(1) }).padEnd(1_025)],
  ])("takes nothing that holds %s", async (_what, body) => {
    expect(codeOf(await bring(body))).toEqual([400, "malformed_request"]);
    expect(signer.memory.read(WORKSPACE)?.head).toBeUndefined();
  });

  it("says that it cannot remember, and why in the terminal only", async () => {
    writeFileSync(signer.memory.pathOf(WORKSPACE), "{", { mode: 0o600 });
    const answer = await ask();
    expect(codeOf(answer)).toEqual([500, "memory_fault"]);
    expect(answer.text).not.toContain(signer.memory.pathOf(WORKSPACE));
    expect(signer.events.find(({ code }) => code === "memory_fault")?.detail).toContain("Restore it from a backup");
  });
});

describe("somebody else in the browser", () => {
  const refused: readonly (readonly [string, Headers])[] = [
    ["a page without our header, as any site can send", { "sec-fetch-site": "same-origin" }],
    ["a header with another value", { ...OURS, "clawhold-memory": "2" }],
    ["a site elsewhere", { ...OURS, "sec-fetch-site": "cross-site" }],
    ["a page on another port of this name", { ...OURS, "sec-fetch-site": "same-site" }],
    ["the address bar", { ...OURS, "sec-fetch-site": "none" }],
    ["another origin", { ...OURS, origin: "https://evil.example" }],
    ["another port's origin", { ...OURS, origin: "http://clawhold.localhost:1" }],
    ["a sandboxed frame", { ...OURS, origin: "null" }],
    ["an old browser at another origin", { "clawhold-memory": "1", origin: "http://localhost:3000" }],
  ];
  it.each(refused)("does not read: %s", async (_what, headers) => {
    const answer = await ask(headers);
    expect(codeOf(answer)).toEqual([403, "not_our_page"]);
    expect(answer.text).not.toContain(WORKSPACE);
  });

  it.each([...refused, ["a write without an origin", OURS] as const])("does not write: %s", async (_what, headers) => {
    const answer = await bring({ workspace: WORKSPACE, head: head(9) }, headers);
    expect(codeOf(answer)).toEqual([403, "not_our_page"]);
    expect(signer.memory.read(WORKSPACE)?.head).toBeUndefined();
  });

  it.each(["document", "iframe", "script", "worker", "image"])("does not show it as a %s", async (destination) => {
    expect(codeOf(await ask({ ...OURS, "sec-fetch-dest": destination }))).toEqual([403, "not_a_page"]);
  });

  it("gets no leave from us when its browser asks for it", async () => {
    const { status, headers } = await signer.get(MEMORY_PATH, {
      method: "OPTIONS",
      headers: {
        origin: "https://evil.example",
        "access-control-request-method": "POST",
        "access-control-request-headers": "clawhold-memory",
      },
    });
    expect(status).toBe(405);
    expect(Object.keys(headers).filter((name) => name.startsWith("access-control"))).toEqual([]);
  });

  it("does not come in under another name", async () => {
    expect((await ask({ ...OURS, host: `evil.example:${signer.port}` })).status).toBe(421);
  });
});
