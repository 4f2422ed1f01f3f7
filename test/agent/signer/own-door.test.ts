/** The local edge's front and the address that its machine answers by itself: for the signer's name, and no other. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { PRIVATE_HEADERS } from "../../../agent/edge/headers.ts";
import { MEMORY_PATH } from "../../../protocol/signer-memory.ts";
import { ask, startTestEdge, type TestEdge } from "../edge/fixtures/harness.ts";

/** One more address of every Linux machine, as `--bind` takes. */
const BOUND = "127.0.0.2";
const NAME = "edge.example.ts.net";

let running: TestEdge;
beforeAll(async () => {
  running = await startTestEdge({
    bind: { target: BOUND, name: NAME, browserCertificates: false },
    own: {
      path: MEMORY_PATH,
      answer: ({ response }) => void response.writeHead(200, PRIVATE_HEADERS).end("of this machine"),
    },
  });
});
afterAll(() => running.stop());

describe("an address of the machine's own", () => {
  it("is answered at the signer's name", async () => {
    expect((await ask({ port: running.port, path: MEMORY_PATH })).text).toBe("of this machine");
    expect((await ask({ port: running.port, path: `${MEMORY_PATH}?x` })).text).toBe("of this machine");
  });

  it("is not there at another name, whose pages are of another class", async () => {
    const headers = { host: `${NAME}:${running.port}` };
    const answer = await ask({ port: running.port, path: MEMORY_PATH, address: BOUND, headers, tls: {} });
    expect(answer.status).toBe(404);
  });

  it.each(["/signer", "/signer/memory/", "/signer/memoryx", "/api/signer/memory"])("is not %s", async (path) => {
    expect((await ask({ port: running.port, path })).text).not.toBe("of this machine");
  });

  it.each(["document", "iframe", "script"])("is no %s", async (destination) => {
    const answer = await ask({ port: running.port, path: MEMORY_PATH, headers: { "sec-fetch-dest": destination } });
    expect(answer.status).toBe(403);
  });
});
