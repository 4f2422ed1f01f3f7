/** Every answer that leaves a listener, and every answer that leaves the Worker, carries its security headers. */
import { request as httpRequest, type IncomingHttpHeaders } from "node:http";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SECURITY_HEADERS } from "../../../../agent/edge/headers.ts";
import { endpoints } from "../../../../protocol/contracts.ts";
import { bundleWorker, type Bundle } from "../../../parity/bundle.ts";
import { ask, eventually, sendRaw } from "../fixtures/harness.ts";
import { startInstallation, type Installation } from "./installation.ts";

const NAME = "edge.test";
const HSTS = "max-age=31536000";
const BOUND = "127.0.0.2";

/** Of data that is never shown as a page. */
const WORKER_HEADERS = {
  "cache-control": "no-store",
  "content-security-policy": expect.stringMatching(/^default-src 'none'; .*frame-ancestors 'none'.*sandbox$/),
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "permissions-policy": expect.stringContaining("camera=()"),
  "referrer-policy": "no-referrer",
  "strict-transport-security": expect.stringMatching(/^max-age=\d{8}$/),
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
};

let bundle: Bundle;
let installation: Installation;
beforeAll(async () => {
  bundle = await bundleWorker();
  installation = await startInstallation(bundle, "data", {
    port: 0,
    metrics: { address: "127.0.0.1", port: 0 },
    bind: { target: BOUND, name: NAME, browserCertificates: false },
  });
});
afterAll(async () => {
  await installation.stop();
  bundle.remove();
});

interface Shown {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
}

/** Path parameters are filled with something of no meaning; the refusal is an answer too. */
const routes = Object.entries(endpoints).map(([name, { method, path: pattern }]) => ({
  name,
  method,
  url: pattern.replaceAll(/:[a-z]+/g, "x"),
}));

const bodyOf = (method: string): { readonly body?: string } => (method === "POST" ? { body: "{}" } : {});

describe("the dashboard's listener", () => {
  const web = (options: Partial<Parameters<typeof ask>[0]> = {}): Promise<Shown> =>
    ask({ port: installation.edge.port, path: "/", ...options });

  it.each(routes)("shows them at $method $url ($name)", async ({ method, url }) => {
    const { headers } = await web({ path: url, method, ...bodyOf(method) });
    expect(headers).toMatchObject({ ...SECURITY_HEADERS, "cache-control": "no-store" });
  });

  it.each([
    ["the page", {}, 200],
    ["a page's own address", { path: "/hosts", headers: { "sec-fetch-mode": "navigate" } }, 200],
    ["a file that is not there", { path: "/nothing.js" }, 404],
    ["a path that leads out", { path: "/../../etc/passwd" }, 404],
    ["a method that is not used", { method: "PUT" }, 405],
    ["another name", { headers: { host: "evil.example" } }, 421],
    ["another name, to a person", { headers: { host: "evil.example", "sec-fetch-mode": "navigate" } }, 421],
    ["a navigation to the API", { path: "/api/health", headers: { "sec-fetch-dest": "document" } }, 403],
    ["a service worker", { headers: { "service-worker": "script" } }, 200],
    ["an endpoint that is not there", { path: "/api/nothing" }, 404],
    [
      "a body that is too large",
      { path: "/api/sign-in", method: "POST", headers: { "content-length": "9999999" } },
      413,
    ],
    ["an expectation", { method: "POST", body: "{}", headers: { expect: "a miracle" } }, 417],
  ])("shows them with %s", async (_what, options, status) => {
    expect(await web(options)).toMatchObject({ status, headers: SECURITY_HEADERS });
  });

  it.each([
    ["no HTTP at all", "nonsense\r\n\r\n", 400],
    ["headers that are too large", `GET / HTTP/1.1\r\nx: ${"y".repeat(20_000)}\r\n\r\n`, 431],
    [
      "a socket that is not there",
      "GET /nowhere HTTP/1.1\r\nhost: HOST\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n",
      404,
    ],
  ])("shows them with %s", async (_what, text, status) => {
    const { port } = installation.edge;
    const raw = await sendRaw(port, text.replace("HOST", `clawhold.localhost:${port}`));
    expect(raw).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    for (const [name, value] of Object.entries(SECURITY_HEADERS)) expect(raw).toContain(`${name}: ${value}\r\n`);
  });
});

describe("the dashboard's listener under a name", () => {
  const named = (options: Partial<Parameters<typeof ask>[0]> = {}): Promise<Shown> => {
    const { port } = installation.edge;
    return ask({ port, address: BOUND, path: "/", headers: { host: `${NAME}:${port}` }, tls: {}, ...options });
  };

  it.each(["/", "/nothing.js", "/api/health", "/api/nothing"])(
    "shows them at %s, and that it is never asked in the clear",
    async (url) => {
      const { headers } = await named({ path: url });
      expect(headers).toMatchObject({ ...SECURITY_HEADERS, "strict-transport-security": HSTS });
    },
  );

  it("shows them with another name", async () => {
    const { status, headers } = await named({ headers: { host: "evil.example" } });
    expect(status).toBe(421);
    expect(headers).toMatchObject({ ...SECURITY_HEADERS, "strict-transport-security": HSTS });
  });
});

describe("the agents' listener", () => {
  it.each([
    ["GET", "/"],
    ["GET", "/health"],
    ["GET", "/tunnel"],
    ["POST", "/join"],
    ["POST", "/tunnel"],
    ["GET", "/api/health"],
  ])("shows them at %s %s", async (method, url) => {
    const answer = await installation.edge.askAgents({ path: url, method, ...bodyOf(method) });
    expect(answer.headers).toMatchObject(SECURITY_HEADERS);
  });
});

describe("the listener for monitoring", () => {
  it.each(["/metrics", "/livez", "/readyz", "/nothing"])("shows them at %s", async (url) => {
    const { port, host } = new URL(installation.running.metricsUrl ?? "");
    const { headers } = await ask({ port: Number(port), path: url, headers: { host } });
    expect(headers).toMatchObject(SECURITY_HEADERS);
  });
});

/** Past the front, as on Cloudflare, where there is none. */
describe("the Worker itself", () => {
  const through = (door: "web" | "agent", method: string, url: string): Promise<Shown> =>
    new Promise((resolve, reject) => {
      const socketPath = path.join(installation.running.dataDirectory.runDirectory, `${door}.sock`);
      const body = bodyOf(method).body ?? "";
      const headers = { host: "x", "content-length": String(body.length), "content-type": "application/json" };
      const request = httpRequest({ socketPath, method, path: url, headers, agent: false }, (response) => {
        response.resume();
        response.on("end", () => resolve({ status: response.statusCode ?? 0, headers: response.headers }));
      });
      request.on("error", reject).end(body);
    });

  it.each(routes)("shows its own at $method $url ($name)", async ({ method, url }) => {
    expect((await through("web", method, url)).headers).toMatchObject(WORKER_HEADERS);
  });

  it.each([
    ["web", "GET", "/nothing"],
    ["web", "PUT", "/api/health"],
    ["agent", "POST", "/join"],
    ["agent", "GET", "/tunnel"],
    ["agent", "GET", "/nothing"],
  ] as const)("shows its own at the door %s: %s %s", async (door, method, url) => {
    expect((await through(door, method, url)).headers).toMatchObject(WORKER_HEADERS);
  });

  it("shows its own when it fails", async () => {
    await installation.edge.sql([{ sql: "ALTER TABLE workspaces RENAME TO away" }]);
    try {
      await eventually(async () => (await through("web", "GET", "/api/sign-in/nonce")).status >= 500);
      expect((await through("web", "GET", "/api/sign-in/nonce")).headers).toMatchObject(WORKER_HEADERS);
    } finally {
      await installation.edge.sql([{ sql: "ALTER TABLE away RENAME TO workspaces" }]);
    }
  });
});
