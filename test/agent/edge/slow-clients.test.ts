/** Clients that send a byte now and then: told that it took too long, and gone. */
import { createServer, type ServerOptions } from "node:http";
import { connect, type AddressInfo } from "node:net";
import { describe, expect, it } from "vitest";
import { SERVER_LIMITS } from "../../../agent/edge/listen.ts";
import { refuseMalformed } from "../../../agent/edge/web-front.ts";

/** What a client hears that sends this much and then nothing, from a server with the front's limits, made shorter. */
async function heard(sent: string, shorter: ServerOptions): Promise<string> {
  const server = createServer({ ...SERVER_LIMITS, ...shorter, connectionsCheckingInterval: 20 }, (request) => {
    request.resume();
  });
  server.on("clientError", refuseMalformed);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
  try {
    let text = "";
    socket.setEncoding("utf8").on("data", (part: string) => (text += part));
    socket.write(sent);
    await new Promise((resolve) => socket.once("close", resolve));
    return text;
  } finally {
    socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  }
}

describe("a client that is slow", () => {
  it.each([
    ["with its head", "GET /api/health HTTP/1.1\r\nhost: x\r\n", { headersTimeout: 50 }],
    [
      "with its body",
      "POST /api/x HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{",
      { headersTimeout: 50, requestTimeout: 60 },
    ],
  ])("%s hears that it took too long, and the connection ends", async (_, sent, shorter) => {
    const answer = await heard(sent, shorter);
    expect(answer).toMatch(/^HTTP\/1\.1 408 /);
    expect(answer).toContain('"code":"request_timeout"');
  });

  it("is held to limits that are looked after every few seconds", () => {
    expect(SERVER_LIMITS).toMatchObject({
      headersTimeout: 10_000,
      requestTimeout: 30_000,
      keepAliveTimeout: 60_000,
      connectionsCheckingInterval: 2_000,
    });
  });
});
