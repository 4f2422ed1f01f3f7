/** Messages over a socket: whole or not at all, one after the other, and an end for whoever does not keep to it. */
import type { Socket } from "node:net";
import * as v from "valibot";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Port, PortRefusal, type PortEnding } from "../../../../agent/host/ports/port.ts";
import { utf8 } from "../../../../protocol/bytes.ts";
import { encodeCanonical } from "../../../../protocol/canonical.ts";
import { codec, count } from "../../../../protocol/fields.ts";
import { bodiesIn, framed, socketPair } from "./socket-pair.ts";

const schema = v.variant("kind", [
  v.strictObject({ kind: v.literal("say"), n: count }),
  v.strictObject({ kind: v.literal("long"), text: v.string() }),
]);
type Message = v.InferOutput<typeof schema>;
const messages = codec(schema);
const say = (n: number): Buffer => framed(encodeCanonical({ kind: "say", n }));

let near: Socket;
let far: Socket;
let port: Port<Message, Message>;
let heard: number[];
let faults: unknown[];
let now: number;
let take: (message: Message) => Promise<void> | void;
let ended: Promise<PortEnding>;

beforeEach(async () => {
  [near, far] = await socketPair();
  heard = [];
  faults = [];
  now = 0;
  take = (message) => void heard.push(message.kind === "say" ? message.n : -1);
  ended = new Promise((resolve) => {
    port = new Port({
      socket: near,
      inward: messages,
      outward: messages,
      limits: {
        bytes: 128,
        kinds: { say: { bytes: 64, perMinute: 5 }, long: { bytes: 40, perMinute: 5 } },
        kindOf: ({ kind }) => kind,
      },
      elapsed: () => now,
      onMessage: (message) => take(message),
      onEnd: resolve,
      onFault: (error) => faults.push(error),
    });
  });
});
afterEach(() => {
  port.end();
  far.destroy();
});

describe("messages", () => {
  it("come whole, in their order, however they were cut on the way", async () => {
    const bytes = Buffer.concat([say(1), say(2), say(3)]);
    for (const byte of bytes) far.write(Buffer.from([byte]));
    await expect.poll(() => heard).toEqual([1, 2, 3]);
  });

  it("wait for the one before them", async () => {
    const { promise: first, resolve } = Promise.withResolvers<void>();
    take = async (message) => {
      heard.push(message.kind === "say" ? message.n : -1);
      if (heard.length === 1) await first;
    };
    far.write(Buffer.concat([say(1), say(2)]));
    await expect.poll(() => heard).toEqual([1]);
    await new Promise((done) => setImmediate(done));
    expect(heard).toEqual([1]);
    resolve();
    await expect.poll(() => heard).toEqual([1, 2]);
  });

  it("leave whole, the last one too", async () => {
    const parts: Buffer[] = [];
    far.on("data", (part: Buffer) => parts.push(part));
    port.send({ kind: "say", n: 1 });
    port.send({ kind: "say", n: 2 });
    port.end();
    await new Promise((done) => far.once("close", done));
    expect(bodiesIn(Buffer.concat(parts)).map((body) => messages.decode(body))).toEqual([
      { kind: "say", n: 1 },
      { kind: "say", n: 2 },
    ]);
    expect(port.send({ kind: "say", n: 3 })).toBe(false);
  });
});

describe("whoever does not keep to it", () => {
  const bad: readonly (readonly [name: string, bytes: Buffer, ending: PortEnding])[] = [
    ["says something unknown", framed(utf8('{"kind":"do"}')), "malformed"],
    ["says more than the message has", framed(utf8('{"kind":"say","m":1,"n":1}')), "malformed"],
    ["spells it otherwise", framed(utf8('{ "kind":"say","n":1}')), "malformed"],
    ["says nothing that is text", framed(Buffer.from([0xff, 0xfe])), "malformed"],
    ["says an empty message", framed(Buffer.alloc(0)), "malformed"],
    ["announces more than any message", framed(Buffer.alloc(0), 129), "too_large"],
    ["announces four gigabytes", framed(Buffer.alloc(0), 0xff_ff_ff_ff), "too_large"],
    ["says more than this kind may", framed(encodeCanonical({ kind: "long", text: "x".repeat(40) })), "too_large"],
  ];
  it.each(bad)("is let go: one who %s", async (_name, bytes, ending) => {
    far.write(Buffer.concat([say(1), bytes, say(2)]));
    expect(await ended).toBe(ending);
    expect(heard).toEqual([1]);
    await new Promise((done) => (far.closed ? done(undefined) : far.once("close", done)));
    expect(faults).toEqual([]);
  });

  it("is let go: one who says too many of a kind in a minute, and not one who takes a minute", async () => {
    for (let n = 0; n < 5; n += 1) far.write(say(n));
    await expect.poll(() => heard.length).toBe(5);
    now = 60_000;
    for (let n = 5; n < 11; n += 1) far.write(say(n));
    expect(await ended).toBe("flood");
    expect(heard).toHaveLength(10);
  });

  it("is let go: one whose message is refused where it is taken", async () => {
    take = () => {
      throw new PortRefusal("not now");
    };
    far.write(say(1));
    expect(await ended).toBe("refused");
    expect(faults).toEqual([]);
  });

  it("is told apart from a mistake of ours", async () => {
    take = () => {
      throw new TypeError("ours");
    };
    far.write(say(1));
    expect(await ended).toBe("closed");
    await expect.poll(() => faults).toHaveLength(1);
  });

  it("is let go: one who does not read", async () => {
    far.pause();
    const message: Message = { kind: "long", text: "x".repeat(60_000) };
    let sent = 0;
    while (port.send(message) && sent < 10_000) sent += 1;
    expect(await ended).toBe("stalled");
    expect(sent).toBeLessThan(1_000);
  });
});
