/** The reader's two sockets: a few readings for the warden, figures for the link, and lies at worst. */
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ReaderClient, ReaderEar } from "../../../../agent/host/ports/reader-client.ts";
import { answerCodec, toldCodec, type Answer } from "../../../../agent/host/ports/reader-messages.ts";
import { ReaderPort } from "../../../../agent/host/ports/reader-port.ts";
import { ReadingError } from "../../../../agent/host/gateway/reading-error.ts";
import { toBase64url, utf8 } from "../../../../protocol/bytes.ts";
import { encodeCanonical } from "../../../../protocol/canonical.ts";
import type { Telemetry } from "../../../../protocol/telemetry.ts";
import { framed } from "./socket-pair.ts";

const AT = 1_760_000_000;
const telemetry: Telemetry = {
  v: 1,
  at: AT,
  gateway: { state: "running", demo: false, listens: [] },
  host: {
    platform: "linux",
    uptimeSeconds: 1,
    memoryTotalBytes: 2,
    memoryFreeBytes: 1,
    loadMilli: 0,
    cpus: 1,
    agentVersion: "0.0.0",
    oneUser: false,
  },
};

let directory: string;
let path: string;
let server: Server;
let sockets: Set<Socket>;
let faults: unknown[];
let client: ReaderClient;
let elapse: (() => void)[];
/** Longer waits end when the test says so. */
const wait = (): Promise<void> => new Promise((resolve) => elapse.push(resolve));

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "clawhold-reader-"));
  path = join(directory, "s");
  sockets = new Set();
  faults = [];
  elapse = [];
  client = new ReaderClient({ path, elapsed: () => performance.now(), wait, onFault: (error) => faults.push(error) });
});
afterEach(async () => {
  client.stop();
  for (const socket of sockets) socket.destroy();
  if (server.listening) await new Promise<void>((resolve) => server.close(() => resolve()));
  rmSync(directory, { recursive: true, force: true });
  expect(faults).toEqual([]);
});

async function served(accept: (socket: Socket) => void): Promise<void> {
  server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    accept(socket);
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
}

interface Honest {
  readonly read?: (operation: string) => unknown;
  readonly latest?: Telemetry;
}

function honest({ read = () => ({}), latest = telemetry }: Honest = {}): ReaderPort {
  return new ReaderPort({
    readings: () => ({ read: (operation) => Promise.resolve().then(() => read(operation)) }),
    latest: () => latest,
    samples: () => [],
    elapsed: () => performance.now(),
    onFault: (error) => faults.push(error),
  });
}

describe("what the warden asks", () => {
  it("is answered with whatever the gateway's words are in it", async () => {
    const answer = { at: AT, sessions: [{ title: "two\nlines \u202e and \u0000" }], more: false };
    const port = honest({ read: () => answer });
    await served((socket) => port.ask(socket));
    expect(await client.read("gateway.sessions@1", {})).toEqual(answer);
    expect(port.isAlone).toBe(false);
  });

  it("is refused by the reader when it is not on its short list", async () => {
    const asked: string[] = [];
    const port = honest({ read: (operation) => asked.push(operation) });
    await served((socket) => port.ask(socket));
    const refused = client.read("content.config@1", {});
    await expect(refused).rejects.toThrow(expect.objectContaining({ code: "unsupported" }));
    expect(asked).toEqual([]);
  });

  it("fails with a code of the protocol, and with no other word of the reader's", async () => {
    const port = honest({
      read: (operation) => {
        throw operation === "gateway.jobs@1" ? new ReadingError("not_found") : new Error("what a gateway wrote");
      },
    });
    await served((socket) => port.ask(socket));
    await expect(client.read("gateway.jobs@1", {})).rejects.toThrow(expect.objectContaining({ code: "not_found" }));
    await expect(client.read("gateway.usage@1", {})).rejects.toThrow(expect.objectContaining({ code: "gateway" }));
  });

  it("counts sessions for a dialog, and goes without where nobody answers", async () => {
    const port = honest({ latest: { ...telemetry, sessions: { total: 3, active: 2 } as never } });
    await served((socket) => port.ask(socket));
    expect(await client.activeSessions()).toBe(2);
    server.close();
    client.stop();
    const nobody = new ReaderClient({
      path: join(directory, "nobody"),
      elapsed: () => 0,
      wait,
      onFault: (error) => faults.push(error),
    });
    expect(await nobody.activeSessions()).toBeUndefined();
    await expect(nobody.read("gateway.sessions@1", {})).rejects.toThrow(expect.objectContaining({ code: "gateway" }));
  });
});

describe("a reader in other hands", () => {
  const lies: readonly (readonly [name: string, lie: Buffer])[] = [
    ["answers what nobody asked", framed(answerCodec.encode({ kind: "failed", request: 99, code: "gateway" }))],
    ["says a word of no kind", framed(encodeCanonical({ kind: "order", operation: "gateway.stop@1" }))],
    ["announces four gigabytes", framed(Buffer.alloc(0), 0xff_ff_ff_ff)],
    ["says nothing that is text", framed(Buffer.from([0xff]))],
    ["hangs up", Buffer.alloc(0)],
  ];
  it.each(lies)("costs an answer and nothing else: one who %s", async (name, lie) => {
    await served((socket) => {
      socket.once("data", () => {
        socket.write(lie);
        if (name === "hangs up") socket.end();
      });
    });
    const asked = client.read("gateway.sessions@1", {});
    const refused = expect(asked).rejects.toThrow(expect.objectContaining({ code: "gateway" }));
    if (name.startsWith("answers")) {
      await expect.poll(() => elapse.length).toBe(1);
      for (const end of elapse) end(); // one who never answers is not waited for either
    }
    await refused;
  });

  it("costs an answer: one whose answer is no JSON", async () => {
    const answer: Answer = { kind: "answer", request: 1, content: toBase64url(utf8("{")) };
    await served((socket) => socket.once("data", () => void socket.write(framed(answerCodec.encode(answer)))));
    await expect(client.read("gateway.sessions@1", {})).rejects.toThrow(expect.objectContaining({ code: "gateway" }));
  });
});

describe("what the link hears", () => {
  it("is the figures of a closed schema, and no figure when one is not", async () => {
    const told = [
      framed(toldCodec.encode({ kind: "telemetry", telemetry })),
      framed(encodeCanonical({ kind: "telemetry", telemetry: { ...telemetry, secret: "x" } })),
    ];
    const ended = Promise.withResolvers<void>();
    await served((socket) => {
      for (const part of told) socket.write(part);
      socket.once("close", () => ended.resolve());
    });
    const ear = new ReaderEar({
      path,
      elapsed: () => performance.now(),
      wait,
      onFault: (error) => faults.push(error),
      onTelemetry: () => undefined,
    });
    const running = ear.run();
    await ended.promise; // hung up on, for the second
    ear.stop();
    await running;
    expect([undefined, telemetry]).toContainEqual(ear.latest());
  });

  it("is not said any more when the reader has been silent for long", async () => {
    let now = 0;
    const port = honest();
    await served((socket) => port.listen(socket));
    const heard = Promise.withResolvers<void>();
    const ear = new ReaderEar({
      path,
      elapsed: () => now,
      wait,
      onFault: (error) => faults.push(error),
      onTelemetry: () => heard.resolve(),
    });
    const running = ear.run();
    await expect.poll(() => port.isAlone).toBe(false);
    ear.watched(600); // somebody looks: what is heard is said at once
    await heard.promise;
    expect(ear.latest()).toEqual(telemetry);
    now = 299_999;
    expect(ear.latest()).toEqual(telemetry);
    now = 300_001;
    expect(ear.latest()).toBeUndefined();
    ear.stop();
    port.stop();
    await running;
  });
});
