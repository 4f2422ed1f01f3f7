import { createPublicKey, verify } from "node:crypto";
import { afterEach, describe, expect, it } from "vitest";
import { openGateway } from "../../../../agent/host/gateway/client.ts";
import type { GatewayConnection } from "../../../../agent/host/gateway/client.ts";
import { GatewayCredential } from "../../../../agent/host/gateway/credential.ts";
import { transientDevice } from "../../../../agent/host/gateway/device.ts";
import { GatewayError } from "../../../../agent/host/gateway/faults.ts";
import {
  MAX_CHALLENGE_BYTES,
  MAX_FRAME_BYTES,
  MAX_PENDING_REQUESTS,
  MAX_WINDOW_FRAMES,
} from "../../../../agent/host/gateway/wire.ts";
import { challengeFrame, defaultAnswer, hello, ok, refuse, startHostileGateway } from "./fixtures/hostile-gateway.ts";
import type { HostileGateway, Script } from "./fixtures/hostile-gateway.ts";

const device = transientDevice("test");
const open: { gateway?: HostileGateway; connection?: GatewayConnection } = {};

afterEach(async () => {
  open.connection?.close();
  await open.gateway?.close();
  delete open.connection;
  delete open.gateway;
});

async function connect(script: Script, changes: object = {}): Promise<GatewayConnection> {
  open.gateway = await startHostileGateway(script);
  open.connection = await openGateway({
    url: open.gateway.url,
    handshake: {
      device,
      client: "paired",
      scopes: ["operator.read"],
      proof: { kind: "shared", credential: new GatewayCredential("token", "shared-secret") },
      agentVersion: "0.1.0",
      platform: "linux",
    },
    connectMilliseconds: 2_000,
    requestMilliseconds: 300,
    ...changes,
  });
  return open.connection;
}

async function faultWhen(work: Promise<unknown>): Promise<string> {
  const error: unknown = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(GatewayError);
  return (error as GatewayError).fault;
}

describe("connecting", () => {
  it("proves the device over the gateway's nonce", async () => {
    await connect({});
    const parameters = open.gateway?.asked[0]?.params as {
      device: { id: string; publicKey: string; signature: string; nonce: string };
    };
    const payload = `v3|${device.id}|cli|cli|operator|operator.read|1795000000000|shared-secret|0123456789abcdef|linux|`;
    const key = createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x: parameters.device.publicKey }, format: "jwk" });
    expect(verify(null, Buffer.from(payload), key, Buffer.from(parameters.device.signature, "base64url"))).toBe(true);
    expect(parameters.device.nonce).toBe("0123456789abcdef");
  });

  it("keeps version and boot id, and leaves out what is no version", async () => {
    const lies = { server: { version: "1.0\u001b[31m<script>", bootId: { toString: 1 } } };
    const connection = await connect({
      answer: (asked) => (asked.method === "connect" ? ok(asked, hello(lies)) : undefined),
    });
    expect(connection.hello.version).toBeUndefined();
    expect(connection.hello.bootId).toBeUndefined();
  });

  it.each([
    ["PROTOCOL_MISMATCH", "INVALID_REQUEST", "unsupported"],
    ["AUTH_TOKEN_MISMATCH", "INVALID_REQUEST", "unauthorized"],
    ["AUTH_DEVICE_TOKEN_MISMATCH", "INVALID_REQUEST", "unauthorized"],
    ["AUTH_SCOPE_MISMATCH", "INVALID_REQUEST", "scope"],
    ["PAIRING_REQUIRED", "NOT_PAIRED", "unauthorized"],
    [undefined, "UNAVAILABLE", "starting"],
    ["\u001b[2J", "<b>", "refused"],
  ])("reads a refusal %s / %s as %s", async (detail, code, fault) => {
    expect(await faultWhen(connect({ answer: (asked) => refuse(asked, code, detail) }))).toBe(fault);
  });

  it.each([
    ["a hello of another protocol", { protocol: 5 }, "unsupported"],
    ["a hello that is none", { type: "welcome" }, "hostile"],
    ["fewer scopes than asked", { auth: { scopes: [] } }, "scope"],
    ["scopes that are no list", { auth: { scopes: "operator.read" } }, "scope"],
  ])("refuses %s", async (_name, changes, fault) => {
    expect(await faultWhen(connect({ answer: (asked) => ok(asked, hello(changes)) }))).toBe(fault);
  });

  it.each([
    [
      "a nonce that is an object",
      JSON.stringify({ type: "event", event: "connect.challenge", payload: { nonce: {}, ts: 1 } }),
    ],
    [
      "a time that is text",
      JSON.stringify({ type: "event", event: "connect.challenge", payload: { nonce: "0123456789", ts: "1" } }),
    ],
    ["no JSON", "{"],
    ["JSON that is no object", "[1]"],
    ["bad UTF-8 in a binary frame", Buffer.from([0xff, 0xfe])],
    [
      "a first frame over its limit",
      JSON.stringify({ type: "res", id: "x", ok: true, payload: "x".repeat(MAX_CHALLENGE_BYTES) }),
    ],
  ])("ends at %s instead of a challenge", async (_name, frame) => {
    expect(await faultWhen(connect({ open: (socket) => socket.send(frame) }))).toBe("hostile");
  });

  it("does not wait for ever for a challenge", async () => {
    expect(await faultWhen(connect({ open: () => undefined }, { connectMilliseconds: 100 }))).toBe("timeout");
  });

  it("does not wait for ever for a hello", async () => {
    expect(await faultWhen(connect({ answer: () => undefined }))).toBe("timeout");
  });

  it("says that nobody answers", async () => {
    const gone = await startHostileGateway();
    await gone.close();
    expect(await faultWhen(connect({}, { url: gone.url }))).toBe("unreachable");
  });

  it("follows no redirect and reads no body of a refusal", async () => {
    const http: Script["http"] = (_request, response) => response.end("x");
    open.gateway = await startHostileGateway({ http });
    const { createServer } = await import("node:http");
    const forbidding = createServer();
    forbidding.on("upgrade", (_request, socket) =>
      socket.end("HTTP/1.1 403 Forbidden\r\ncontent-length: 1000000\r\n\r\n"),
    );
    await new Promise<void>((resolve) => forbidding.listen(0, "127.0.0.1", resolve));
    const { port } = forbidding.address() as { port: number };
    expect(await faultWhen(connect({}, { url: `ws://127.0.0.1:${String(port)}` }))).toBe("unauthorized");
    forbidding.closeAllConnections();
    forbidding.close();
  });
});

describe("while connected", () => {
  it("ends at a frame over the limit", async () => {
    const connection = await connect({});
    for (const socket of open.gateway?.sockets ?? [])
      socket.send(`{"type":"res","id":"${"x".repeat(MAX_FRAME_BYTES)}"}`);
    expect((await connection.ended).fault).toBe("hostile");
  });

  it("ends at an endless stream of small frames", async () => {
    const connection = await connect({});
    for (const socket of open.gateway?.sockets ?? []) {
      for (let sent = 0; sent <= MAX_WINDOW_FRAMES; sent += 1)
        socket.send('{"type":"event","event":"chat","payload":{}}');
    }
    expect((await connection.ended).fault).toBe("hostile");
  });

  it.each([
    ["an answer with an id that is a number", { type: "res", id: 2, ok: true }],
    ["an answer whose ok is text", { type: "res", id: "2", ok: "true" }],
  ])("ends at %s", async (_name, frame) => {
    const connection = await connect({});
    for (const socket of open.gateway?.sockets ?? []) socket.send(JSON.stringify(frame));
    expect((await connection.ended).fault).toBe("hostile");
  });

  it("ignores answers that nobody waits for, unknown frames and unknown events", async () => {
    const connection = await connect({
      answer: (asked, socket) => {
        if (asked.method === "connect") return defaultAnswer(asked);
        socket.send(JSON.stringify({ type: "res", id: "999", ok: true, payload: "for nobody" }));
        socket.send(JSON.stringify({ type: "novelty", event: 7 }));
        socket.send(JSON.stringify({ event: "chat", type: "event", payload: { text: "SECRET" } }));
        // Content events are dropped by name: even one that is not JSON behind its name does no harm.
        socket.send('{"type":"event","event":"task","payload":{"title": broken');
        socket.send(challengeFrame);
        return ok(asked, { fine: true });
      },
    });
    expect(await connection.call("health", {})).toEqual({ fine: true });
  });

  it("tells only the names of noticed events", async () => {
    const seen: unknown[][] = [];
    const connection = await connect(
      {
        answer: (asked, socket) => {
          if (asked.method === "connect") return defaultAnswer(asked);
          for (const event of ["chat", "health", "task", "cron"])
            socket.send(JSON.stringify({ type: "event", event, payload: { text: "SECRET" } }));
          return ok(asked, {});
        },
      },
      { onEvent: (...given: unknown[]) => seen.push(given) },
    );
    await connection.call("health", {});
    expect(seen).toEqual([["health"], ["cron"]]);
  });

  it("gives up on an answer, and only on that one", async () => {
    const connection = await connect({
      answer: (asked) => (asked.method === "never" ? undefined : defaultAnswer(asked)),
    });
    expect(await faultWhen(connection.call("never", {}))).toBe("timeout");
    expect(await connection.call("health", {})).toEqual({});
  });

  it("keeps no more than its requests under way", async () => {
    const connection = await connect({
      answer: (asked) => (asked.method === "connect" ? defaultAnswer(asked) : undefined),
    });
    const waiting = Array.from({ length: MAX_PENDING_REQUESTS }, () => faultWhen(connection.call("never", {})));
    expect(await faultWhen(connection.call("one more", {}))).toBe("busy");
    connection.close();
    expect(new Set(await Promise.all(waiting))).toEqual(new Set(["closed"]));
  });

  it("passes on no word of an error, only a bounded code", async () => {
    const connection = await connect({
      answer: (asked) =>
        asked.method === "connect" ? defaultAnswer(asked) : refuse(asked, "FORBIDDEN", "MISSING_SCOPE"),
    });
    await expect(connection.call("x", {})).rejects.toMatchObject({
      fault: "refused",
      code: "refused.MISSING_SCOPE",
      message: "gateway: refused.MISSING_SCOPE",
    });
  });

  it("remembers an announced restart", async () => {
    const connection = await connect({});
    for (const socket of open.gateway?.sockets ?? []) {
      socket.send(
        JSON.stringify({ type: "event", event: "shutdown", payload: { reason: "x", restartExpectedMs: 1_500 } }),
      );
      socket.close(1012);
    }
    expect(await connection.ended).toEqual({ fault: "closed", restartExpected: true });
  });

  it("refuses to send on a connection that is over", async () => {
    const connection = await connect({});
    connection.close();
    expect(await faultWhen(connection.call("health", {}))).toBe("closed");
  });

  it("waits for the last answer of a run", async () => {
    const connection = await connect({
      answer: (asked, socket) => {
        if (asked.method === "connect") return defaultAnswer(asked);
        socket.send(JSON.stringify(ok(asked, { status: "accepted" })));
        return ok(asked, { status: "ok" });
      },
    });
    expect(await connection.call("agent", {}, { final: true })).toEqual({ status: "ok" });
  });
});
