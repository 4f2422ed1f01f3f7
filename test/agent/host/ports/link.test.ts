/** Link and warden over their socket: one tunnel, also over the sleep of the warden; and its end when the warden is lost. */
import { afterEach, describe, expect, it } from "vitest";
import { keeperOf } from "../../../../agent/host/certificate-keeper.ts";
import { TunnelViolation } from "../../../../agent/host/warden/connection.ts";
import type { WardenTunnel } from "../../../../agent/host/warden/warden.ts";
import { fromBase64url } from "../../../../protocol/bytes.ts";
import { helloCodec, type OutwardFrame } from "../../../../protocol/tunnel.ts";
import { CERT_FINGERPRINT, signedPrepare, TUNNEL } from "../../../fixtures/command.ts";
import { nonceOf } from "../../../fixtures/keys.ts";
import { Talk, type TalkOptions } from "./talk.ts";

let talk: Talk;
let sent: OutwardFrame[];
let tunnel: WardenTunnel;

afterEach(async () => {
  expect(talk.faults).toEqual([]);
  expect(talk.rig.faults).toEqual([]);
  await talk.close();
});

async function welcomed(options: TalkOptions = {}): Promise<void> {
  talk = await Talk.open(options);
  sent = [];
  tunnel = talk.link.connect((frame) => sent.push(frame), CERT_FINGERPRINT);
  await tunnel.receive({ kind: "challenge", edgeNonce: nonceOf("edge nonce"), tunnel: TUNNEL });
  const hello = sent.find((frame) => frame.kind === "hello") ?? expect.fail("no hello");
  await tunnel.receive({ kind: "trust", page: talk.rig.page() });
  expect(tunnel.isWelcomed()).toBe(false);
  const signed = await talk.rig.signWelcome(helloCodec.decode(fromBase64url(hello.signed.body)));
  await tunnel.receive({ kind: "welcome", signed });
}

const refusals = () => sent.filter((frame) => frame.kind === "refused").length;

/** Answered by any warden that knows this tunnel: with a refusal, because nobody signed in for it. */
async function asked(): Promise<void> {
  const before = refusals();
  const { world } = talk.rig;
  const prepare = await signedPrepare(world, nonceOf("no session"), { jti: nonceOf(`jti ${String(Math.random())}`) });
  await tunnel.receive({ kind: "prepare", prepare });
  await expect.poll(refusals).toBe(before + 1);
}

/** The next process over the same files, as the service manager starts it. */
function next(left: ReturnType<Talk["sleep"]>): void {
  talk.onWake = async () => {
    talk.rig = await talk.rig.reopen();
    talk.serve(left);
  };
}

describe("a tunnel over the socket", () => {
  it("is welcomed by the warden, and the link knows it and where the host stands", async () => {
    await welcomed();
    expect(tunnel.isWelcomed()).toBe(true);
    await asked();
    expect(talk.standings.at(-1)).toMatchObject({ admission: "admitted", isFrozen: false });
  });

  it("ends with the warden's own word for what was wrong", async () => {
    await welcomed();
    const again = tunnel.receive({ kind: "challenge", edgeNonce: nonceOf("edge nonce"), tunnel: TUNNEL });
    await expect(again).rejects.toThrow(expect.objectContaining({ name: "TunnelViolation", code: "out_of_order" }));
    await expect(again).rejects.toBeInstanceOf(TunnelViolation);
  });

  it("goes on after the warden slept, in another process, without the edge", async () => {
    await welcomed();
    const left = talk.sleep();
    expect(left).toMatchObject({ tunnel: TUNNEL, certFingerprint: CERT_FINGERPRINT });
    next(left);
    await asked();
    expect(tunnel.isWelcomed()).toBe(true);
    expect(sent.filter((frame) => frame.kind === "hello")).toHaveLength(1);
    expect(talk.lost).toBe(0);
  });

  it("does not go on with a warden that holds no word of it", async () => {
    await welcomed();
    talk.sleep();
    next(undefined);
    await tunnel.receive({ kind: "ack", receipt: 1 });
    expect(talk.lost).toBe(1);
    expect(tunnel.isWelcomed()).toBe(false);
  });

  it("does not go on with another certificate than the one that was welcomed", async () => {
    await welcomed();
    const left = talk.sleep();
    next(left === undefined ? undefined : { ...left, certFingerprint: "0".repeat(64) });
    await tunnel.receive({ kind: "ack", receipt: 1 });
    expect(talk.lost).toBe(1);
  });

  it("ends when the warden is killed: what it knew is gone", async () => {
    await welcomed();
    talk.crash();
    await expect.poll(() => talk.lost).toBe(1);
    await tunnel.receive({ kind: "ack", receipt: 1 }); // to nobody
  });

  it("is the newest link's: a link that was killed does not keep its successor out", async () => {
    await welcomed();
    const { connect } = await import("node:net");
    const successor = connect(talk.path);
    await expect.poll(() => talk.lost).toBe(1);
    successor.destroy();
  });
});

describe("a certificate over the socket", () => {
  it("is for a key that never left the link", async () => {
    const kept: { key: string; certificate: string }[] = [];
    const due = { fingerprint: CERT_FINGERPRINT, from: 0, until: 1 };
    const pairs = { inUse: due, keep: (pair: (typeof kept)[number]) => void kept.push(pair), retry: () => false };
    await welcomed({ pairs: keeperOf(pairs, () => undefined) });
    await talk.link.tick();
    await expect.poll(() => sent.some((frame) => frame.kind === "certificate-request")).toBe(true);
    expect(talk.keeper.inUse()).toEqual(due);
    expect(kept).toEqual([]);
  });
});
