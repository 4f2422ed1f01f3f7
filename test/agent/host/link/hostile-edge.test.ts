/**
 * An edge, or whoever took its place with every key of it, that does not keep to the protocol. Whatever it sends costs it
 * the tunnel or nothing; the gateway is not touched, and the host comes back to an honest one.
 */
import type { Socket } from "node:net";
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { MAX_BUFFERED_BYTES, openSocket, type Sent } from "../../../../agent/host/link/socket.ts";
import type { Warden } from "../../../../agent/host/warden/warden.ts";
import { encodeCanonical } from "../../../../protocol/canonical.ts";
import { toBase64url, utf8Text } from "../../../../protocol/bytes.ts";
import { inwardLimits } from "../../../../protocol/frame-limits.ts";
import { nonceOf, signed } from "../../../fixtures/keys.ts";
import type { Fields, World } from "../../../fixtures/workspace.ts";
import { theWorld, until } from "../warden/rig.ts";
import { LinkRig } from "./link-rig.ts";
import { greet, type Connection } from "./scripted-edge.ts";

let world: World;
let host: LinkRig;
beforeAll(async () => {
  world = await theWorld();
});
beforeEach(async () => {
  host = await LinkRig.open(world);
});
afterEach(async () => {
  const { restarts } = host.rig.gateway;
  const { faults } = host;
  await host.close();
  expect(faults).toEqual([]);
  expect(restarts).toBe(0);
});

const someSigned = { body: nonceOf("body"), signature: `${"B".repeat(85)}A` };
/** The bytes under the WebSocket, as an attacker writes them. */
const wireOf = ({ socket }: Connection): Socket => (socket as unknown as { _socket: Socket })._socket;
/** A frame of the WebSocket protocol (RFC 6455, section 5.2), unmasked as a server's are. */
function webSocketFrame(first: number, payload: Buffer = Buffer.alloc(0)): Buffer {
  const { length } = payload;
  const head =
    length < 126 ? Buffer.from([first, length]) : Buffer.from([first, 126, Math.floor(length / 256), length % 256]);
  return Buffer.concat([head, payload]);
}
const FIN = 0x80;
const COMPRESSED = 0x40;
const TEXT = 0x1;
const CONTINUED = 0x0;

/** The host is back on an honest edge. */
async function comesBack(): Promise<void> {
  const connection = await host.welcomed();
  expect(connection.socket.readyState).toBe(1);
}

describe("below the frames", () => {
  it.each([
    ["compressed, though nobody agreed to that", [webSocketFrame(FIN | COMPRESSED | TEXT, Buffer.from("{}"))]],
    ["of a reserved kind", [webSocketFrame(FIN | 0x3, Buffer.from("{}"))]],
    ["masked, as only a client's are", [Buffer.from([FIN | TEXT, 0x80 | 2, 1, 2, 3, 4, 0, 0])]],
    ["continued without a beginning", [webSocketFrame(FIN | CONTINUED, Buffer.from("{}"))]],
    ["no UTF-8", [webSocketFrame(FIN | TEXT, Buffer.from([0xff, 0xfe]))]],
    ["a ping too long for one", [webSocketFrame(FIN | 0x9, Buffer.alloc(126))]],
    [
      "in pieces without end",
      [webSocketFrame(TEXT, Buffer.from("{")), ...Array.from({ length: 200 }, () => webSocketFrame(CONTINUED))],
    ],
  ])("%s", async (_name, frames) => {
    host.start();
    const connection = await host.welcomed();
    wireOf(connection).write(Buffer.concat(frames));
    await connection.closed;
    await comesBack();
  });

  it("half a frame and then nothing: found by the keep-alive", async () => {
    host.start({ keepAliveMilliseconds: 60 });
    const connection = await host.edge.next();
    wireOf(connection).write(webSocketFrame(FIN | TEXT, Buffer.from('{"kind":"drain"}')).subarray(0, 9));
    expect((await connection.closed).code).toBe(1006);
    await host.edge.next();
  });

  it("pings by the hundred: answered up to a point, then left", async () => {
    host.start();
    const connection = await host.welcomed();
    let pongs = 0;
    connection.socket.on("pong", () => (pongs += 1));
    for (let i = 0; i < 20; i += 1) connection.socket.ping();
    await until(() => pongs === 20);
    for (let i = 0; i < 1_000; i += 1) connection.socket.ping();
    expect(await connection.closed).toEqual({ code: 1008, reason: "flood" });
    expect(pongs).toBeLessThanOrEqual(600);
    await comesBack();
  });

  it.each(["ping", "pong"])("our own %s by the thousand", async (text) => {
    host.start();
    const connection = await host.welcomed();
    for (let i = 0; i < 2_000; i += 1) connection.socket.send(text);
    expect(await connection.closed).toEqual({ code: 1008, reason: "flood" });
    expect(connection.texts.filter((said) => said === "pong").length).toBeLessThanOrEqual(600);
    await comesBack();
  });
});

describe("a reader that does not read", () => {
  it("is written no more than so much", async () => {
    let opened: () => void = () => undefined;
    const isOpen = new Promise<void>((resolve) => (opened = resolve));
    const socket = openSocket({
      edge: host.edge.url,
      tls: host.edge.tls,
      environment: {},
      onOpen: () => opened(),
      onText: () => undefined,
      onEnd: () => undefined,
    });
    const connection = await host.edge.next();
    await isOpen;
    wireOf(connection).pause();
    const text = "x".repeat(65_536);
    let written = 0;
    let sent: Sent = "sent";
    while (sent === "sent" && written < 20 * MAX_BUFFERED_BYTES) {
      sent = socket.send(text);
      written += text.length;
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(sent).toBe("stalled");
    socket.close(1000, "over");
    wireOf(connection).resume();
  });
});

describe("frames", () => {
  const textOf = (frame: Fields): string => utf8Text(encodeCanonical(frame));

  it.each([
    ["twice the welcome", "out_of_order", { kind: "welcome", signed: someSigned }],
    ["a challenge again", "out_of_order", { kind: "challenge", edgeNonce: nonceOf("e"), tunnel: nonceOf("t") }],
    ["a receipt", "malformed_frame", { kind: "receipt", number: 1, signed: someSigned }],
    ["an ack larger than any", "malformed_frame", { kind: "ack", receipt: 2 ** 53 }],
    ["a checkpoint too large for its kind", "malformed_frame", { kind: "checkpoint", note: "A".repeat(3_200) }],
  ])("%s", async (_name, reason, frame) => {
    host.start();
    const connection = await host.welcomed();
    connection.socket.send(textOf(frame));
    expect(await connection.closed).toEqual({ code: 1008, reason });
    await comesBack();
  });

  it.each<[string, Fields]>([
    ["another tunnel", { tunnel: nonceOf("another") }],
    ["another host", { host: "h-another" }],
    ["another workspace", { workspace: nonceOf("another") }],
    ["another certificate", { certFingerprint: "0".repeat(64) }],
    ["another greeting of this host", { hostNonce: nonceOf("another") }],
    ["another challenge", { edgeNonce: nonceOf("another") }],
  ])("a welcome for %s", async (_name, change) => {
    host.start();
    const connection = await host.edge.next();
    await greet(connection, { world, fingerprint: host.edge.fingerprint, change });
    expect(await connection.closed).toEqual({ code: 1008, reason: "edge_unproven" });
    await comesBack();
  });

  it("of one kind beyond its rate", async () => {
    host.start();
    const connection = await host.welcomed();
    const drain = textOf({ kind: "checkpoint", note: toBase64url(new TextEncoder().encode("no note")) });
    for (let i = 0; i <= inwardLimits.checkpoint.perMinute; i += 1) connection.socket.send(drain);
    expect((await connection.closed).code).toBe(1008);
    await comesBack();
  });

  it("empty trust pages without end: each is answered, up to the rate, and no more", async () => {
    host.start();
    const connection = await host.welcomed();
    const page = textOf({ kind: "trust", page: { statements: [] } });
    for (let i = 0; i < inwardLimits.trust.perMinute + 50; i += 1) connection.socket.send(page);
    expect(await connection.closed).toEqual({ code: 1008, reason: "flood" });
    expect(host.logged).toContainEqual({ event: "frame_flood", kind: "trust" });
    expect(connection.frames.filter(({ kind }) => kind === "trust-ack").length).toBeLessThanOrEqual(
      inwardLimits.trust.perMinute + 1,
    );
    await comesBack();
  });

  it("questions that nobody signed, by the hundred: each is refused, and no challenge is spent on one", async () => {
    host.start();
    const connection = await host.welcomed();
    const prepare = await signed(world.keys.stranger, "prepare", encodeCanonical({ v: 1 }));
    for (let i = 0; i < 500; i += 1) connection.socket.send(textOf({ kind: "prepare", prepare }));
    const refused = (): number => connection.frames.filter(({ kind }) => kind === "refused").length;
    await until(() => refused() === 500);
    expect(connection.frames.some(({ kind }) => kind === "prepared")).toBe(false);
  });

  it("faster than the warden takes them: they wait at the edge, and none is lost or taken for a flood", async () => {
    let free: () => void = () => undefined;
    const blocked = new Promise<void>((resolve) => (free = resolve));
    let taken = 0;
    const warden: Pick<Warden, "connect"> = {
      connect: () => ({
        receive: async () => {
          await blocked;
          taken += 1;
        },
        isWelcomed: () => false,
        close: () => undefined,
      }),
    };
    host.start({ warden: warden as Warden });
    const connection = await host.edge.next();
    // More than one reading of the socket can hold, and less than the rate allows.
    for (let i = 0; i < 10_000; i += 1) connection.send({ kind: "ack", receipt: i });
    // Turns enough to read all of it, for a host that does not wait.
    for (let turn = 0; turn < 200; turn += 1) await new Promise((resolve) => setTimeout(resolve, 1));
    expect([taken, connection.socket.readyState]).toEqual([0, 1]);
    free();
    await until(() => taken === 10_000);
    expect(connection.socket.readyState).toBe(1);
  });

  it("drains, one after the other: the host comes back each time, and runs nothing", async () => {
    host.start();
    for (let i = 0; i < 4; i += 1) {
      const connection = await host.welcomed();
      connection.send({ kind: "drain", spreadSeconds: 0 });
      connection.send({ kind: "drain" });
      expect((await connection.closed).code).toBe(1000);
    }
    await comesBack();
    expect(host.states.filter((state) => state.kind === "waiting").map(({ code }) => code)).toEqual([
      "drained",
      "drained",
      "drained",
      "drained",
    ]);
  });

  it("spreads longer than any edge may ask for are no frame", async () => {
    host.start();
    const connection = await host.welcomed();
    connection.socket.send(textOf({ kind: "drain", spreadSeconds: 301 }));
    expect((await connection.closed).reason).toBe("malformed_frame");
    await comesBack();
  });
});

describe("coming back", () => {
  it.each([
    [1001, 500],
    [1012, 500],
    [1011, 81],
  ])("after a close with %i: the wait is %i ms of what it may be", async (code, wait) => {
    const waits = vi.spyOn(globalThis, "setTimeout");
    host.start({ random: () => 0.05 });
    const connection = await host.edge.next();
    connection.socket.close(code);
    await host.edge.next();
    expect(waits.mock.calls.map(([, milliseconds]) => milliseconds)).toContain(wait);
    waits.mockRestore();
  });

  it("from a sleep: a host that waits dials at once, and one that has a tunnel asks it for life", async () => {
    let wall = 1_800_000_000_000;
    host.start({ random: () => 1, wall: () => wall, lookMilliseconds: 20, elapsed: () => 1_000 });
    const connection = await host.edge.next();
    wall += 3_600_000;
    await until(() => connection.texts.includes("ping"));
    connection.socket.send("pong");
    connection.send({ kind: "challenge", edgeNonce: nonceOf("e"), tunnel: nonceOf("t") });
    await connection.frame("hello");
    // Ten failures in, the next wait would be most of a minute.
    for (let i = 0; i < 3; i += 1) {
      wall += 3_600_000;
      host.edge.connections.at(-1)?.socket.terminate();
      wall += 3_600_000;
      await host.edge.next();
    }
    expect(host.logged.filter((line) => line["event"] === "woke").length).toBeGreaterThan(1);
  });
});
