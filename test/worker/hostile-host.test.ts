/** A host that does not keep to the protocol, against the real object: its tunnel ends, and nobody else notices. */
import { runInDurableObject } from "cloudflare:test";
import { beforeAll, describe, expect, it } from "vitest";
import { hostOf } from "../../durable-objects/env.ts";
import { MAX_UNWELCOMED } from "../../durable-objects/host/tunnels.ts";
import { utf8Text } from "../../protocol/bytes.ts";
import { encodeCanonical } from "../../protocol/canonical.ts";
import { outwardLimits } from "../../protocol/frame-limits.ts";
import { MAX_FRAME_BYTES } from "../../protocol/limits.ts";
import { admittedTo } from "../fixtures/edge/admitted.ts";
import { HostPeer, telemetryOf, type Tunnel } from "../fixtures/edge/host-peer.ts";
import { Town } from "../fixtures/edge/town.ts";
import { nonceOf, signed, signerOf } from "../fixtures/keys.ts";
import type { TrustHead } from "../../protocol/fields.ts";
import type { Fields } from "../fixtures/workspace.ts";
import { edge } from "./client.ts";
import { env } from "./environment.ts";

const VIOLATION = 1008;
const FLOOD = 4005;
const OTHER_HOST = 4006;

let town: Town;
let witness: { readonly peer: HostPeer; readonly tunnel: Tunnel };
beforeAll(async () => {
  town = await Town.at(edge);
  witness = await admittedTo(town, "the honest one");
});

const textOf = (frame: Fields): string => utf8Text(encodeCanonical(frame));
const someSigned = { body: nonceOf("body"), signature: `${"B".repeat(85)}A` };

/** Admitted, and not connected. */
async function absent(name: string): Promise<HostPeer> {
  const peer = await HostPeer.at(edge, `hostile ${name}`, town.workspace);
  await peer.join();
  await town.admit(peer);
  return peer;
}

async function hostile(name: string): Promise<{ readonly peer: HostPeer; readonly tunnel: Tunnel }> {
  return admittedTo(town, `hostile ${name}`);
}

/** What it left behind in the object's storage. */
const storedBy = ({ host }: HostPeer): Promise<Readonly<Record<string, number>>> =>
  runInDurableObject(hostOf(env, town.workspace, host), (_, state) =>
    Object.fromEntries(
      ["commands", "receipts", "held"].map((table) => [
        table,
        state.storage.sql.exec(`SELECT count(*) AS n FROM ${table}`).one()["n"] as number,
      ]),
    ),
  );

/** Another host of the workspace is served as before. */
async function othersAreServed(): Promise<void> {
  const { prepare } = await town.prepareBody(witness.peer.host);
  const asked = town.page.call("prepare", { params: { host: witness.peer.host }, body: { prepare } });
  await witness.tunnel.answerPrepare();
  expect((await asked).status).toBe(200);
}

describe("frames of no form", () => {
  let peer: HostPeer;
  let head: TrustHead;
  beforeAll(async () => {
    peer = await absent("forms");
    ({ head } = await town.trust());
  });

  it.each([
    ["of an unknown kind", textOf({ kind: "exec", command: "id" })],
    ["of the other direction", textOf({ kind: "drain" })],
    ["of a kind to come", textOf({ kind: "stream.open", id: 1 })],
    ["with one member more", textOf({ kind: "trust-want", now: true })],
    ["of figures, with one more", textOf({ kind: "telemetry", telemetry: { ...telemetryOf(), title: "a secret" } })],
    ["spelt otherwise", '{ "kind":"trust-want"}'],
    ["with a key twice", '{"kind":"trust-want","kind":"trust-want"}'],
    ["cut in half", '{"kind":"telemetry","telemetry":{"v":1,'],
    ["of two frames", '{"kind":"trust-want"}{"kind":"trust-want"}'],
    ["with a lone surrogate", '{"kind":"\ud800"}'],
    ["empty", ""],
    ["deep", `${"[".repeat(60_000)}${"]".repeat(60_000)}`],
    ["giant", textOf({ kind: "x".repeat(MAX_FRAME_BYTES) })],
    [
      "too large for its kind",
      textOf({ kind: "receipt", number: 1, signed: { ...someSigned, body: "A".repeat(8_000) } }),
    ],
  ])("%s", async (_name, text) => {
    const tunnel = await peer.open(head);
    (tunnel.socket as unknown as WebSocket).send(text);
    expect(await tunnel.closed()).toBe(VIOLATION);
    expect(await storedBy(peer)).toEqual({ commands: 0, receipts: 0, held: 0 });
  });

  it("in binary", async () => {
    const tunnel = await peer.open(head);
    tunnel.socket.send(Uint8Array.from(new TextEncoder().encode('{"kind":"trust-want"}')));
    expect(await tunnel.closed()).toBe(VIOLATION);
  });
});

describe("frames out of turn", () => {
  let peer: HostPeer;
  beforeAll(async () => {
    peer = await absent("turns");
  });

  it.each(["trust-want", "telemetry", "receipt", "prepared", "farewell", "trust-ack"])(
    "%s before the handshake",
    async (kind) => {
      const tunnel = await peer.connect();
      await tunnel.next("challenge");
      const frames: Readonly<Record<string, Fields>> = {
        "trust-want": { kind },
        telemetry: { kind, telemetry: telemetryOf() },
        receipt: await peer.receipt(nonceOf("intent")),
      };
      tunnel.say(frames[kind] ?? { kind, signed: someSigned });
      expect(await tunnel.closed()).toBe(VIOLATION);
      expect(await storedBy(peer)).toEqual({ commands: 0, receipts: 0, held: 0 });
    },
  );

  it.each([
    ["for another tunnel", { tunnel: nonceOf("another") }, VIOLATION],
    ["over another nonce", { edgeNonce: nonceOf("another") }, VIOLATION],
    ["of another workspace", { workspace: nonceOf("another") }, VIOLATION],
    ["of another host", { host: "h-another" }, OTHER_HOST],
  ])("a hello %s", async (_name, change, code) => {
    const tunnel = await peer.connect();
    await tunnel.hello(change);
    expect(await tunnel.closed()).toBe(code);
    expect(tunnel.heard.some(({ kind }) => kind === "welcome" || kind === "trust")).toBe(false);
  });

  it("a hello of another key, and a second hello", async () => {
    const foreign = await peer.connect();
    await foreign.hello({}, await signerOf("a stranger"));
    expect(await foreign.closed()).toBe(VIOLATION);
    const second = await peer.open((await town.trust()).head);
    second.say({ kind: "hello", signed: someSigned });
    expect(await second.closed()).toBe(VIOLATION);
  });
});

describe("floods", () => {
  const { perMinute } = outwardLimits["trust-want"];

  it("of one kind end in a close of their own, and what was on its way is not heard", async () => {
    const { peer, tunnel } = await hostile("flood");
    for (let i = 0; i < perMinute * 3; i += 1) tunnel.say({ kind: "trust-want" });
    tunnel.say(await peer.receipt(nonceOf("after the flood")));
    expect(await tunnel.closed()).toBe(FLOOD);
    expect(tunnel.heard.filter(({ kind }) => kind === "trust").length).toBeLessThanOrEqual(perMinute + 1);
    expect(await storedBy(peer)).toMatchObject({ receipts: 0 });
    await othersAreServed();
  });

  it("end with the close: a message that the runtime still hands over counts for nothing", async () => {
    const { peer, tunnel } = await hostile("late");
    const receipt = textOf(await peer.receipt(nonceOf("late")));
    const hand = (readyState: number): Promise<void> =>
      runInDurableObject(hostOf(env, town.workspace, peer.host), (host, state) => {
        const [socket] = state.getWebSockets("agent");
        if (socket === undefined) throw new Error("no tunnel");
        const seen = new Proxy(socket, {
          get: (whole, name) =>
            name === "readyState" ? readyState : (Reflect.get(whole, name, whole) as () => unknown).bind(whole),
        });
        return host.webSocketMessage(seen, receipt);
      });
    await hand(WebSocket.CLOSING);
    expect(await storedBy(peer)).toMatchObject({ receipts: 0 });
    await hand(WebSocket.OPEN);
    expect(await storedBy(peer)).toMatchObject({ receipts: 1 });
    tunnel.socket.close(1000);
  });

  it("of figures: the newest counts, and at the limit nothing ends", async () => {
    const { peer, tunnel } = await hostile("figures");
    const most = outwardLimits.telemetry.perMinute;
    for (let i = 1; i <= most; i += 1) tunnel.say({ kind: "telemetry", telemetry: telemetryOf({ agents: i }) });
    tunnel.say({ kind: "trust-want" });
    await tunnel.next("trust");
    const { host } = await town.page.must("host", { params: { host: peer.host } });
    expect(host).toMatchObject({ connected: true, telemetry: { agents: most } });
    tunnel.say({ kind: "telemetry", telemetry: telemetryOf() });
    expect(await tunnel.closed()).toBe(FLOOD);
  });

  it("of receipts for nothing cost the log a few entries, and others nothing", async () => {
    const { peer, tunnel } = await hostile("receipts");
    for (let i = 1; i <= 40; i += 1) tunnel.say(await peer.receipt(nonceOf(`nothing ${String(i)}`), { number: i }));
    tunnel.say({ kind: "trust-want" });
    await tunnel.next("trust");
    expect((await storedBy(peer))["receipts"]).toBeLessThanOrEqual(12);
    await othersAreServed();
  });

  it("of connections that say nothing: so many stay, the newest", async () => {
    const { peer, tunnel: first } = await hostile("connections");
    const silent: Tunnel[] = [];
    for (let i = 0; i < MAX_UNWELCOMED * 3; i += 1) silent.push(await peer.connect());
    const [oldest] = silent;
    expect(await oldest?.closed()).toBe(VIOLATION);
    const open = await runInDurableObject(
      hostOf(env, town.workspace, peer.host),
      (_, state) => state.getWebSockets("agent").filter((socket) => socket.readyState === WebSocket.OPEN).length,
    );
    expect(open).toBeLessThanOrEqual(MAX_UNWELCOMED + 1);
    // The tunnel that was there before is untouched.
    first.say({ kind: "trust-want" });
    await first.next("trust");
  });

  it("of everything at once, by one host, leave the workspace as it was", async () => {
    const { peer, tunnel } = await hostile("everything");
    const frames: readonly Fields[] = [
      { kind: "refused", subject: nonceOf("nothing"), code: "challenge" },
      { kind: "telemetry", telemetry: telemetryOf() },
      { kind: "prepared", signed: await signed(peer.key, "prepared", encodeCanonical({ v: 1 })) },
    ];
    for (const frame of frames) tunnel.say(frame);
    expect(await tunnel.closed()).toBe(VIOLATION);
    expect(await storedBy(peer)).toEqual({ commands: 0, receipts: 0, held: 0 });
    await othersAreServed();
  });
});
