/** What an edge in an attacker's hands can put into the signer's origin: data, its waiting times, its session. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { PRIVATE_HEADERS } from "../../../agent/edge/headers.ts";
import { MAX_ANSWER_BYTES } from "../../../agent/signer/forward.ts";
import { SIGNER_PROBLEMS } from "../../../agent/signer/problem.ts";
import { endpoints, problemSchema } from "../../../protocol/contracts.ts";
import { MAX_BODY_BYTES, MAX_SESSION_SECONDS } from "../../../protocol/limits.ts";
import * as v from "valibot";
import { nonceOf } from "../../fixtures/keys.ts";
import { sendRaw, type Answer } from "../edge/fixtures/harness.ts";
import { reply, startHostileEdge, type HostileEdge } from "./fixtures/hostile-edge.ts";
import { startTestSigner, type TestSigner } from "./fixtures/signer.ts";

const HEALTH = endpoints.health.path;
const VALUE = nonceOf("cookie");

let edge: HostileEdge;
let signer: TestSigner;
beforeAll(async () => {
  edge = await startHostileEdge();
  signer = await startTestSigner({ edge: `http://127.0.0.1:${edge.port}` });
});
afterAll(async () => {
  await signer.stop();
  await edge.stop();
});
beforeEach(() => {
  edge.told.length = 0;
  edge.answers(() => reply());
});

/** The answer to a fetch of our page when the edge says this. */
async function shown(answer: string | undefined, path: string = HEALTH): Promise<Answer> {
  edge.answers(() => answer);
  return signer.get(path, { headers: { "sec-fetch-dest": "empty", "sec-fetch-site": "same-origin" } });
}

/** The code of what the signer says in the edge's place, in the form that the page shows. */
function spoken({ status, headers, text }: Answer): unknown {
  const problem = v.parse(problemSchema, JSON.parse(text));
  expect(headers["content-type"]).toBe("application/problem+json");
  expect(problem.title).toBe(SIGNER_PROBLEMS[problem.code as keyof typeof SIGNER_PROBLEMS]);
  return [status, problem.code];
}

describe("an answer", () => {
  it("passes as it is: status, data, problem details", async () => {
    expect(await shown(reply())).toMatchObject({ status: 200, text: '{"ok":true}' });
    const problem = await shown(reply(["content-type: application/problem+json"], '{"code":"no"}', "409 Conflict"));
    expect(problem).toMatchObject({
      status: 409,
      text: '{"code":"no"}',
      headers: { "content-type": "application/problem+json" },
    });
  });

  it("carries our headers and theirs only by this list", async () => {
    const { headers } = await shown(
      reply([
        "date: Fri, 20 Nov 2026 10:00:00 GMT",
        "retry-after: 3",
        'ratelimit: "a";r=1;t=2',
        "ratelimit-policy: 10;w=60",
      ]),
    );
    expect(Object.keys(headers).toSorted()).toEqual(
      [
        ...Object.keys(PRIVATE_HEADERS),
        "content-type",
        "content-length",
        "date",
        "retry-after",
        "ratelimit",
        "ratelimit-policy",
        "connection",
      ].toSorted(),
    );
    expect(headers).toMatchObject({ "retry-after": "3", date: "Fri, 20 Nov 2026 10:00:00 GMT" });
  });

  it("is never a page in our origin, should a browser show it after all: sandbox, nosniff", async () => {
    const { headers } = await shown(reply(["content-security-policy: default-src *", "x-content-type-options: sniff"]));
    expect(headers["content-security-policy"]).toMatch(/; sandbox$/);
    expect(headers["content-security-policy"]).toContain("default-src 'none'");
    expect(headers["x-content-type-options"]).toBe("nosniff");
    expect(headers["cross-origin-resource-policy"]).toBe("same-origin");
    expect(headers["cache-control"]).toBe("no-store");
  });
});

describe("a header by which an edge would act on the browser stays outside", () => {
  it.each([
    ["access-control-allow-origin", "*"],
    ["access-control-allow-credentials", "true"],
    ["access-control-allow-private-network", "true"],
    ["access-control-allow-headers", "clawhold-memory"],
    ["alt-svc", 'h3="evil.example:443"'],
    ["clear-site-data", '"*"'],
    ["content-disposition", "attachment; filename=x.html"],
    ["content-location", "https://evil.example/"],
    ["cross-origin-opener-policy-report-only", "x"],
    ["document-policy", "x"],
    ["etag", '"follow-me"'],
    ["last-modified", "Fri, 20 Nov 2026 10:00:00 GMT"],
    ["link", "<https://evil.example/x.js>; rel=preload; as=script"],
    ["location", "https://evil.example/"],
    ["nel", '{"report_to":"x"}'],
    ["origin-agent-cluster", "?1"],
    ["refresh", "0; url=https://evil.example/"],
    ["report-to", "{}"],
    ["reporting-endpoints", 'x="https://evil.example/"'],
    ["service-worker-allowed", "/"],
    ["set-login", "logged-in"],
    ["sourcemap", "https://evil.example/x.map"],
    ["speculation-rules", '"https://evil.example/x"'],
    ["strict-transport-security", "max-age=99999999; includeSubDomains"],
    ["supports-loading-mode", "credentialed-prerender"],
    ["timing-allow-origin", "*"],
    ["vary", "*"],
    ["www-authenticate", "Basic realm=x"],
    ["x-anything", "1"],
  ])("%s", async (name, value) => {
    const { status, headers } = await shown(reply([`${name}: ${value}`]));
    expect(status).toBe(200);
    expect(headers[name]).toBeUndefined();
  });

  it("even in the name of a rate limit", async () => {
    const { headers } = await shown(
      reply([`retry-after: ${"9".repeat(200)}`, "ratelimit: <script>", "ratelimit-x-y: 1", "x-ratelimit: 1"]),
    );
    for (const name of ["retry-after", "ratelimit", "ratelimit-x-y", "x-ratelimit"])
      expect(headers[name]).toBeUndefined();
  });

  it("a date is read, and written anew", async () => {
    expect((await shown(reply(["date: 2026-11-20T10:00:00Z; x"]))).headers.date).toBeUndefined();
    expect((await shown(reply())).headers.date).toBeUndefined(); // this machine's own time is nobody's word for the edge's
    expect((await shown(reply(["date: 20 Nov 2026 10:00:00 GMT"]))).headers.date).toBe("Fri, 20 Nov 2026 10:00:00 GMT");
  });

  it("early hints load nothing", async () => {
    const hints = "HTTP/1.1 103 Early Hints\r\nlink: <https://evil.example/x.js>; rel=preload; as=script\r\n\r\n";
    edge.answers(() => `${hints}${reply()}`);
    const raw = await sendRaw(
      signer.port,
      `GET ${HEALTH} HTTP/1.1\r\nhost: clawhold.localhost:${signer.port}\r\nconnection: close\r\n\r\n`,
    );
    expect(raw).toMatch(/^HTTP\/1.1 200 /);
    expect(raw).not.toContain("evil.example");
  });

  it("nor do trailers come after the data", async () => {
    const chunked =
      "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\ntrailer: set-cookie\r\nconnection: close\r\n\r\n2\r\n{}\r\n0\r\nset-cookie: a=b\r\n\r\n";
    edge.answers(() => chunked);
    const raw = await sendRaw(
      signer.port,
      `GET ${HEALTH} HTTP/1.1\r\nhost: clawhold.localhost:${signer.port}\r\nte: trailers\r\nconnection: close\r\n\r\n`,
    );
    expect(raw).toMatch(/\r\ncontent-length: 2\r\n[\s\S]*\r\n\r\n\{\}$/);
    expect(raw).not.toContain("a=b");
  });
});

describe("the type", () => {
  it.each([
    ["application/json; charset=utf-7", "application/json"],
    ["APPLICATION/JSON", "application/json"],
    ["application/problem+json;x", "application/problem+json"],
  ])("%s leaves as %s", async (type, as) => {
    expect((await shown(reply([`content-type: ${type}`]))).headers["content-type"]).toBe(as);
  });

  it.each([
    "text/html",
    "text/javascript",
    "image/svg+xml",
    "application/xhtml+xml",
    "text/css",
    "multipart/x-mixed-replace",
    "",
  ])("%s is no answer at all", async (type) => {
    const answer = await shown(reply([`content-type: ${type}`], "<script>alert(1)</script>"));
    expect(spoken(answer)).toEqual([502, "edge_foreign"]);
    expect(answer.text).not.toContain("script");
  });

  it("that is packed is not unpacked, and not passed on", async () => {
    expect(spoken(await shown(reply(["content-encoding: gzip"])))).toEqual([502, "edge_foreign"]);
  });
});

describe("a status that leads elsewhere", () => {
  it.each([300, 301, 302, 303, 304, 305, 307, 308])("%i is followed by nobody", async (status) => {
    const answer = await shown(reply(["location: /api/me"], "", `${status} X`));
    expect(spoken(answer)).toEqual([502, "edge_redirected"]);
    expect(edge.told).toHaveLength(1);
  });

  it.each([101, 600, 999])("%i does not pass", async (status) => {
    expect((await shown(reply([], "{}", `${status} X`))).status).toBe(502);
  });

  it("of another name says which option helps", async () => {
    expect(spoken(await shown(reply([], "{}", "421 X")))).toEqual([502, "edge_name"]);
  });
});

describe("the session", () => {
  const set = (...lines: readonly string[]) => shown(reply(lines.map((line) => `set-cookie: ${line}`)));
  const ATTRIBUTES = "Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=60";

  it("is kept under this signer's own name", async () => {
    const { headers } = await set(`__Host-clawhold=${VALUE}; ${ATTRIBUTES}`);
    expect(headers["set-cookie"]).toEqual([
      `__Host-clawhold-${signer.port}=${VALUE}; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=60`,
    ]);
  });

  it("reaches no further than ours does, whatever the edge wants", async () => {
    const { headers } = await set(
      `__Host-clawhold=${VALUE}; Domain=localhost; Path=/x; SameSite=None; Partitioned; Expires=Fri, 20 Nov 2099 10:00:00 GMT; Max-Age=999999`,
    );
    expect(headers["set-cookie"]).toEqual([
      `__Host-clawhold-${signer.port}=${VALUE}; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=${MAX_SESSION_SECONDS}`,
    ]);
  });

  it.each([
    [`other=${VALUE}; ${ATTRIBUTES}`],
    [`__Host-clawhold-4470=${VALUE}; ${ATTRIBUTES}`],
    [`__Host-clawholdx=${VALUE}; ${ATTRIBUTES}`],
    [`__host-clawhold=${VALUE}; ${ATTRIBUTES}`],
    [`__Host-clawholdx${VALUE}; ${ATTRIBUTES}`],
    [`__Host-clawhold=${VALUE}x; ${ATTRIBUTES}`],
    [`__Host-clawhold=${VALUE}`],
    [`__Host-clawhold=a b; ${ATTRIBUTES}`],
  ])("is nothing else: %s", async (line) => {
    expect((await set(line)).headers["set-cookie"]).toBeUndefined();
  });

  it("comes once, or not at all", async () => {
    const line = `__Host-clawhold=${VALUE}; ${ATTRIBUTES}`;
    expect((await set(line, line)).headers["set-cookie"]).toBeUndefined();
    expect((await set(line, "other=1")).headers["set-cookie"]).toHaveLength(1);
  });
});

describe("the size", () => {
  it("of an answer has an end, which it may reach", async () => {
    const at = await shown(reply([], "x".repeat(MAX_ANSWER_BYTES)));
    expect([at.status, at.text.length]).toEqual([200, MAX_ANSWER_BYTES]);
    expect(spoken(await shown(reply([], "x".repeat(MAX_ANSWER_BYTES + 1))))).toEqual([502, "answer_too_large"]);
  });

  it("of its headers too", async () => {
    expect((await shown(reply([`x: ${"y".repeat(20_000)}`]))).status).toBe(502);
  });

  it("an answer that ends too early is none", async () => {
    const cut =
      'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 99\r\nconnection: close\r\n\r\n{"ok":';
    const answer = await shown(cut);
    expect([answer.status, JSON.parse(answer.text).code]).toEqual([502, "edge_unreachable"]);
    // The page's own words for a lost answer come with an answer that is no problem of the edge's.
    expect(v.safeParse(problemSchema, JSON.parse(answer.text)).success).toBe(false);
  });

  it("of a request is ours to refuse", async () => {
    const over = await sendRaw(
      signer.port,
      `POST ${HEALTH} HTTP/1.1\r\nhost: clawhold.localhost:${signer.port}\r\ncontent-length: ${MAX_BODY_BYTES + 1}\r\n\r\n`,
    );
    expect(over).toMatch(/^HTTP\/1.1 413 /);
    expect(edge.told).toEqual([]);
  });
});

describe("a page, a frame, a script, a service worker", () => {
  it.each(["document", "iframe", "script", "worker", "serviceworker", "object", "style", "image"])(
    "the edge is not asked for a %s",
    async (destination) => {
      edge.answers(() => reply(["content-type: text/javascript"], "alert(1)"));
      const answer = await signer.get("/api/x.js", { headers: { "sec-fetch-dest": destination } });
      expect([answer.status, JSON.parse(answer.text).code]).toEqual([403, "not_a_page"]);
      expect(edge.told).toEqual([]);
    },
  );

  it("a service worker's script is ours, which ends it", async () => {
    const answer = await signer.get("/api/sw.js", { headers: { "service-worker": "script" } });
    expect(answer.text).toContain("registration.unregister()");
    expect(edge.told).toEqual([]);
  });

  it("nothing but /api is asked of the edge", async () => {
    edge.answers(() => reply(["content-type: text/html"], "evil"));
    expect((await signer.get("/")).text).toContain("Dashboard");
    for (const path of ["/index.html", "/app.js", "/health", "/api", "/apix/y", "/signer/other", "/../api/../x"])
      await signer.get(path);
    expect(edge.told).toEqual([]);
  });
});
