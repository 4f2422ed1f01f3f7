/**
 * The Worker configured as a deployment configures it: no signer of its own, pages behind Access, the first workspace
 * founded through `clawhold ui --setup` with the link that the deployment wrote into the database. Access and the store of
 * pages are played by this file.
 */
import { mkdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { convertV4MiniflareOptions, Miniflare } from "miniflare";
import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openContext } from "../../agent/deploy/open.ts";
import { lookAtSetup, type SetupOffer } from "../../agent/deploy/steps/setup-link.ts";
import { COMPATIBILITY_DATE } from "../../agent/edge/workerd-config.ts";
import { SECURITY_HEADERS } from "../../agent/edge/headers.ts";
import { AccessToken } from "../../agent/signer/access-token.ts";
import { parseEdgeAddress } from "../../agent/signer/edge-address.ts";
import { Memory } from "../../agent/signer/memory.ts";
import { startSigner, type Signer } from "../../agent/signer/signer.ts";
import { signerOf as signerOfSeed } from "../../agent/shared/signer.ts";
import { fromBase64url } from "../../protocol/bytes.ts";
import { MEMORY_PATH } from "../../protocol/signer-memory.ts";
import type { Signer as SigningKey } from "../../protocol/signing.ts";
import { NO_REVOCATIONS } from "../../protocol/trust/state.ts";
import { Rig, testBundle } from "../agent/deploy/rig.ts";
import { ask, writeWebBundle } from "../agent/edge/fixtures/harness.ts";
import { AUDIENCE, IdentityProvider, TEAM } from "../fixtures/edge/identity-provider.ts";
import { createCredential, registrationJson } from "../fixtures/authenticator.ts";
import { EdgePage, foundingOf, now, type Edge, type Registered } from "../fixtures/edge/page.ts";
import { signerOf } from "../fixtures/keys.ts";
import { SIGNER_RP_ID } from "../fixtures/workspace.ts";
import { bundleWorker, type Bundle } from "./bundle.ts";

const OBJECTS = ["Alerts", "Exports", "Host", "Ledger", "Limits", "Sessions", "Streams"];
const uid = process.getuid?.() ?? 0;

/** As Access: who brings the service token gets its assertion, and nobody brings an assertion. */
const ENTRY = `
import worker from "./worker.js";
export * from "./worker.js";
export default {
  async fetch(request, env, context) {
    const headers = new Headers(request.headers);
    headers.delete("cf-access-jwt-assertion");
    if (headers.get("cf-access-client-id") === "id.access") headers.set("cf-access-jwt-assertion", env.TEST_ASSERTION);
    const { TEST_ASSERTION, ...rest } = env;
    const waitUntil = context.waitUntil.bind(context);
    const props = { props: {}, waitUntil, passThroughOnException() {} };
    const answer = await worker.fetch(new Request(request, { headers }), rest, props);
    const dated = new Headers(answer.headers);
    dated.set("date", new Date().toUTCString()); // as everything that Cloudflare answers
    return new Response(answer.body, { status: answer.status, headers: dated });
  },
};
`;

let bundle: Bundle;
let miniflare: Miniflare;
let signer: Signer;
let edgeUrl: string;
let memory: Memory;
const rig = new Rig();
const founded: string[] = [];

function servePages(request: { readonly url: string }): Response {
  const { pathname } = new URL(request.url);
  const headers = { ...SECURITY_HEADERS, "content-type": "text/html" };
  if (pathname === "/index.html") return new Response("<!doctype html><title>Dashboard</title>", { headers });
  if (pathname === "/install/1.2.3/install.sh") return new Response("#!/bin/sh\n", { headers });
  if (pathname === "/bare.js") return new Response("", { headers: { "content-type": "text/javascript" } });
  return new Response("", { status: 404 });
}

beforeAll(async () => {
  bundle = await bundleWorker();
  const provider = await IdentityProvider.start();
  const random = (): string => randomBytes(32).toString("base64url");
  miniflare = new Miniflare(
    convertV4MiniflareOptions({
      cf: false,
      telemetry: { enabled: false },
      name: "clawhold",
      host: "127.0.0.1",
      port: 0,
      compatibilityDate: COMPATIBILITY_DATE,
      modules: [
        { type: "ESModule", path: "entry.js", contents: ENTRY },
        { type: "ESModule", path: "worker.js", contents: readFileSync(bundle.workerPath, "utf8") },
      ],
      d1Databases: { DB: "clawhold" },
      durableObjects: Object.fromEntries(
        [...OBJECTS.map((name) => [name.toUpperCase(), name]), ["SEGMENT", "LedgerSegment"]].map(
          ([name, className]) => [name, { className, useSQLite: true }],
        ),
      ) as never,
      serviceBindings: { ASSETS: servePages as never },
      outboundService: ((request: { readonly url: string }) => provider.fetch(request.url)) as never,
      bindings: {
        DISPATCH_KEY: random(),
        LEDGER_KEY: random(),
        SETTINGS_KEY: random(),
        AGENT_ENDPOINT: "wss://agents.test:443",
        ACCESS_TEAM_DOMAIN: TEAM,
        ACCESS_AUDIENCE: AUDIENCE,
        CLIENT_CERTIFICATE_ZONES: JSON.stringify(["b".repeat(32)]),
        CLIENT_CERTIFICATE_TOKEN: "test",
        TEST_ASSERTION: await provider.serviceToken(),
      },
    }),
  );
  edgeUrl = (await miniflare.ready).origin;
  const database = await miniflare.getD1Database("DB");
  for (const { sql } of bundle.migrations)
    await database.batch(statementsOf(sql).map((statement) => database.prepare(statement)));
  const directory = path.join(rig.folder, "signer");
  mkdirSync(directory, { mode: 0o700 });
  memory = new Memory({ directory, uid, now: () => new Date(0) });
  const edge = parseEdgeAddress(edgeUrl, undefined);
  signer = await startSigner({
    edge,
    workspace: undefined,
    onFounded: async (workspace) => {
      founded.push(workspace);
      await memory.pin(workspace, edge.url);
    },
    memory,
    port: 0,
    webDirectory: writeWebBundle(rig.folder),
    authorities: [],
    access: new AccessToken({ clientId: "id.access", clientSecret: "secret" }),
    uid,
    log: () => undefined,
  });
});
afterAll(async () => {
  await signer?.stop();
  await miniflare?.dispose();
  bundle?.remove();
  rig.remove();
});

function statementsOf(sql: string): readonly string[] {
  const bare = sql.replaceAll(/^--.*$/gm, "");
  return bare
    .split(/;\s*\n(?=\s*(?:CREATE|$))/)
    .map((one) => one.trim())
    .filter((one) => one !== "");
}

/** The deployment's step, before this database in the place of Cloudflare's API. */
async function offer(): Promise<SetupOffer> {
  const database = await miniflare.getD1Database("DB");
  const context = await openContext({
    configPath: rig.configPath,
    uid,
    now,
    environment: {},
    bundle: testBundle,
    fetch: async (_, init) => {
      const { sql } = JSON.parse(typeof init?.body === "string" ? init.body : "{}") as { sql: string };
      const statements = sql.split("; ").map((one) => database.prepare(one.replace(/;$/, "")));
      const answers = await database.batch(statements);
      return Response.json({ success: true, errors: [], messages: [], result: answers.slice(-1) });
    },
  });
  context.found.databaseId = "database";
  const offers: SetupOffer[] = [];
  const change = await lookAtSetup(context, { isNewWanted: false, onOffer: (made) => offers.push(made) });
  await change?.apply();
  const [made] = offers;
  if (made === undefined) throw new TypeError("no offer");
  return made;
}

function portOfSigner(): number {
  return Number(new URL(signer.origin).port);
}

/** A page that the signer serves, with its first passkey made there. */
async function register(setup: SigningKey): Promise<Registered> {
  const page = pageOf(setup);
  const { options } = await page.must("setupOptions", { body: { name: "Ada" } });
  const { challenge } = JSON.parse(String(options)) as { challenge: string };
  const passkey = await createCredential({ rpId: SIGNER_RP_ID });
  const response = JSON.stringify(registrationJson(passkey, challenge, { origin: signer.origin }));
  await page.must("setupPasskey", { body: { response } });
  return { page, passkey };
}

function pageOf(key: SigningKey): EdgePage {
  const page = new EdgePage(throughSigner, key);
  page.origin = signer.origin;
  return page;
}

/** The page's requests, through the signer; its cookie has the signer's port in its name. */
const throughSigner: Edge = {
  async send(_, request) {
    const cookie = request.headers.get("cookie")?.replace("=", `-${portOfSigner()}=`);
    const { status, text, headers } = await ask({
      port: portOfSigner(),
      path: new URL(request.url).pathname,
      method: request.method,
      headers: {
        ...Object.fromEntries(request.headers),
        "sec-fetch-dest": "empty",
        ...(cookie === undefined ? {} : { cookie }),
      },
      body: await request.text(),
    });
    const [set = ""] = headers["set-cookie"] ?? [];
    return new Response(text, {
      status,
      headers: set === "" ? {} : { "set-cookie": set.replace(`-${portOfSigner()}=`, "=") },
    });
  },
  connect: () => Promise.reject(new TypeError("no tunnels here")),
};

const MEMORY = { "clawhold-memory": "1", "sec-fetch-dest": "empty", "sec-fetch-site": "same-origin" };
const bring = (workspace: string, n = 0): ReturnType<typeof ask> =>
  ask({
    port: portOfSigner(),
    path: MEMORY_PATH,
    method: "POST",
    headers: { ...MEMORY, origin: signer.origin },
    body: JSON.stringify({ workspace, head: { n, hash: workspace, revoked: NO_REVOCATIONS } }),
  });

const direct = (pathname: string, headers: Record<string, string> = {}): ReturnType<typeof ask> =>
  ask({ port: Number(new URL(edgeUrl).port), path: pathname, headers: { host: "clawhold.example.com", ...headers } });
const TOKEN = { "cf-access-client-id": "id.access" };

/** The holder of the link, at a page of another address, without the signer. */
async function strangersPage(setup: SigningKey, origin: string): ReturnType<EdgePage["call"]> {
  const page = new EdgePage(
    {
      ...throughSigner,
      async send(_, request) {
        const headers = { ...Object.fromEntries(request.headers), ...TOKEN, host: "clawhold.example.com", origin };
        const port = Number(new URL(edgeUrl).port);
        const path_ = new URL(request.url).pathname;
        const { status, text } = await ask({ port, path: path_, method: "POST", headers, body: await request.text() });
        return new Response(text, { status });
      },
    },
    setup,
  );
  return page.call("setupOptions", { body: { name: "Mallory" } });
}

describe("a deployed edge", () => {
  it("hands out no page and no answer before Access was passed", async () => {
    for (const pathname of ["/", "/index.html", "/setup", "/api/health", "/api/setup"])
      expect((await direct(pathname)).status).toBe(403);
  });

  it("hands out its pages with the headers that they have everywhere, and nothing beside them", async () => {
    const page = await direct("/hosts", { ...TOKEN, accept: "text/html" });
    expect(page.status).toBe(200);
    expect(page.headers).toMatchObject(SECURITY_HEADERS);
    expect((await direct("/hosts", TOKEN)).status).toBe(404);
    expect((await direct("/none.js", TOKEN)).status).toBe(404);
    expect((await direct("/bare.js", TOKEN)).status).toBe(500);
  });

  it("hands the files of a release to machines that are not joined yet, at the agents' name, and no other file", async () => {
    const agents = { host: "agents.test" };
    const script = await direct("/install/1.2.3/install.sh", agents);
    expect([script.status, script.text]).toEqual([200, "#!/bin/sh\n"]);
    expect(script.headers["content-type"]).toBe("application/octet-stream");
    expect(script.headers["content-security-policy"]).toContain("sandbox");
    for (const pathname of [
      "/index.html",
      "/bare.js",
      "/install/1.2.3/secret",
      "/install/1.2.4/install.sh",
      "/install/x/install.sh",
    ])
      expect((await direct(pathname, agents)).status).toBe(404);
    // Behind Access they are as closed as everything.
    expect((await direct("/install/1.2.3/install.sh")).status).toBe(403);
  });

  it("lets nobody found a workspace before the deployment offers it, nor from a page of its own", async () => {
    const stranger = pageOf(await signerOf("stranger"));
    expect((await stranger.call("setupState")).code).toBe("setup_wrong");
  });

  it("is founded from the signer, with the deployment's link, and pinned by the machine that did it", async () => {
    const { fragment } = await offer();
    const setup = signerOfSeed(fromBase64url(fragment.replace("seed=", "")));
    expect((await pageOf(await signerOf("stranger")).call("setupState")).code).toBe("setup_wrong");
    for (const origin of [
      "https://clawhold.example.com",
      "http://clawhold.localhost.example.com",
      "http://clawhold.localhost:8443/x",
    ])
      expect((await strangersPage(setup, origin)).code).toBe("setup_wrong");
    const founding = await foundingOf(setup, await register(setup), (draft) => {
      const [listed, ...others] = draft.root["origins"] as object[];
      draft.root["origins"] = [{ ...listed, origin: signer.origin }, ...others];
      draft.session["origin"] = signer.origin;
      draft.knobs = { origin: signer.origin };
    });
    // Nothing but a root can be the first pin.
    expect((await bring(founding.workspace, 1)).status).toBe(409);
    expect(founded).toEqual([]);
    const { workspace } = await founding.page.must("setupRoot", { body: founding.body });
    expect((await bring(String(workspace))).status).toBe(200);
    expect(founded).toEqual([workspace]);
    expect(memory.read(String(workspace))).toMatchObject({ workspace, edge: edgeUrl, head: { n: 0 } });
    // And the pin is not replaced.
    expect((await bring(await signerOf("other").then(({ publicKey }) => publicKey))).status).toBe(409);
    founding.page.signer = await signerOf("session");
    expect(await founding.page.must("me")).toMatchObject({ workspace });
  });

  it("offers no second root", async () => {
    const setup = await signerOf("later");
    expect((await pageOf(setup).call("setupState")).code).toBe("setup_used");
    await expect(offer()).rejects.toThrow("no offer");
  });
});
