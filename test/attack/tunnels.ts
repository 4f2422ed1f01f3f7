/**
 * Attacks on the tunnel itself: frames out of turn and of no kind, and welcomes that prove nothing.
 */
import { toBase64url, utf8, utf8Text } from "../../protocol/bytes.ts";
import { encodeCanonical } from "../../protocol/canonical.ts";
import { MAX_DRAIN_SPREAD_SECONDS, MAX_ENVELOPE_BYTES, MAX_FRAME_BYTES } from "../../protocol/limits.ts";
import { inwardLimits } from "../../protocol/frame-limits.ts";
import { assertedCodec, type Signed } from "../../protocol/messages.ts";
import type { Signer } from "../../protocol/signing.ts";
import type { InwardFrame } from "../../protocol/tunnel.ts";
import { nonceOf, signed } from "../fixtures/keys.ts";
import { asserted, fingerprintOf, type Fields } from "../fixtures/workspace.ts";
import type { Attack } from "./attack.ts";
import { freshNonce, type Scene } from "./scene.ts";
import { at, type Stage } from "./stages.ts";

type Send = (scene: Scene) => void | Promise<void>;

/** Sends something that must cost the edge its tunnel. */
function closes(stage: Stage) {
  return (name: string, code: string, send: Send): Attack => ({
    class: "tunnel",
    name,
    rule: `tunnel.${code}`,
    run: at(stage, async (scene, mark) => {
      await send(scene);
      return scene.closing(mark);
    }),
  });
}

function raw(name: string, code: string, data: () => string | Uint8Array): Attack {
  return closes("joined")(name, code, ({ tunnel }) => tunnel.sendRaw(data()));
}

/** The challenge begins; statements and ends of sessions prove themselves, whoever brings them. */
type AnyTime = "challenge" | "trust" | "session-end";

const SOME_SIGNED: Signed = { body: "AAAA", signature: toBase64url(new Uint8Array(64)) };
const early = {
  prepare: { kind: "prepare", prepare: SOME_SIGNED, session: "AAAA" },
  read: { kind: "read", read: SOME_SIGNED, session: "AAAA" },
  deliver: { kind: "deliver", number: 1, envelope: "AAAA" },
  ack: { kind: "ack", receipt: 1 },
  drain: { kind: "drain" },
  checkpoint: { kind: "checkpoint", note: "AAAA" },
  proof: { kind: "proof", from: 0, to: 1, consistency: [], receipts: [] },
  watch: { kind: "watch", seconds: 60 },
  certificate: { kind: "certificate", certificate: "AAAA" },
  "certificate-refused": { kind: "certificate-refused", code: "quota" },
  looked: { kind: "looked", signed: SOME_SIGNED },
  welcome: { kind: "welcome", signed: SOME_SIGNED },
} as const satisfies Readonly<Record<Exclude<InwardFrame["kind"], AnyTime>, InwardFrame>>;

/** All that counts only once the edge has proven itself. */
const served = [
  "prepare",
  "read",
  "deliver",
  "ack",
  "drain",
  "checkpoint",
  "proof",
  "watch",
  "certificate",
  "certificate-refused",
  "looked",
] as const;

const order: readonly Attack[] = [
  ...Object.entries(early).map(([kind, frame]) =>
    closes("met")(`${kind} before the challenge`, "out_of_order", ({ tunnel }) => tunnel.send(frame)),
  ),
  ...served.map((kind) =>
    closes("greeted")(`${kind} before the welcome`, "out_of_order", ({ tunnel }) => tunnel.send(early[kind])),
  ),
  closes("greeted")("a second challenge", "out_of_order", ({ tunnel }) =>
    tunnel.send({ kind: "challenge", edgeNonce: nonceOf("second"), tunnel: nonceOf("second") }),
  ),
  closes("joined")("a challenge after the welcome", "out_of_order", ({ tunnel }) =>
    tunnel.send({ kind: "challenge", edgeNonce: nonceOf("second"), tunnel: nonceOf("second") }),
  ),
  closes("joined")("a second welcome", "out_of_order", async (scene) =>
    scene.tunnel.send({ kind: "welcome", signed: await scene.welcome() }),
  ),
  closes("joined")("a certificate that nobody asked for", "out_of_order", ({ tunnel }) =>
    tunnel.send({ kind: "certificate", certificate: nonceOf("certificate") }),
  ),
  closes("joined")("a refusal that nobody waits for", "out_of_order", ({ tunnel }) =>
    tunnel.send(early["certificate-refused"]),
  ),
  closes("fresh")("a welcome before any trust log", "out_of_order", async (scene) =>
    scene.tunnel.send({ kind: "welcome", signed: await scene.welcome() }),
  ),
  closes("greeted")("an honest command before the welcome", "out_of_order", async (scene) => {
    const draft = scene.draftWith(scene.town.actors.otto, nonceOf("challenge"));
    scene.send((await scene.seal(draft)).bytes);
  }),
];

function welcome(name: string, change: Fields, key?: (scene: Scene) => Signer): Attack {
  return closes("greeted")(`welcome ${name}`, "edge_unproven", async (scene) => {
    scene.tunnel.send({ kind: "welcome", signed: await scene.welcome(change, key?.(scene)) });
  });
}

const welcomes: readonly Attack[] = [
  welcome("signed by the attacker", {}, ({ town }) => town.mallory.key),
  welcome("signed by the ledger key", {}, ({ town }) => town.world.keys.ledger),
  welcome("signed by the host key", {}, ({ town }) => town.world.keys.host),
  welcome("over another host nonce", { hostNonce: nonceOf("another") }),
  welcome("over another edge nonce", { edgeNonce: nonceOf("another") }),
  welcome("for another tunnel", { tunnel: nonceOf("another") }),
  welcome("for another client certificate", { certFingerprint: fingerprintOf("another") }),
  welcome("for another host", { host: "h-elsewhere" }),
  welcome("for another workspace", { workspace: nonceOf("another") }),
  welcome("of version 2", { v: 2 }),
  welcome("with a member more", { admin: true }),
  {
    class: "tunnel",
    name: "welcome of an earlier connection",
    rule: "tunnel.edge_unproven",
    run: at("greeted", async (scene) => {
      const earlier = await scene.welcome();
      scene.tunnel.cut();
      await scene.meet();
      await scene.greet();
      const mark = scene.happenings.mark;
      scene.tunnel.send({ kind: "welcome", signed: earlier });
      return scene.closing(mark);
    }),
  },
  closes("greeted")("dispatch key's signature under another type", "edge_unproven", async (scene) => {
    const { dispatch } = scene.town.world.keys;
    const other: Signer = { publicKey: dispatch.publicKey, sign: (_kind, body) => dispatch.sign("dispatch", body) };
    scene.tunnel.send({ kind: "welcome", signed: await scene.welcome({}, other) });
  }),
];

function frame(name: string, value: unknown): Attack {
  return raw(name, "malformed_frame", () => utf8Text(encodeCanonical(value)));
}

const frames: readonly Attack[] = [
  frame("frame of no kind", { kind: "exec", command: "id" }),
  frame("frame of a later version", { kind: "write", request: "AAAA" }),
  frame("stream frame", { kind: "stream.open", id: 1 }),
  frame("the host's own hello sent back", { kind: "hello", signed: SOME_SIGNED }),
  frame("a receipt sent to the host", { kind: "receipt", number: 1, signed: SOME_SIGNED }),
  frame("a member more", { kind: "drain", now: true }),
  frame("a member less", { kind: "deliver", number: 1 }),
  frame("a number below zero", { kind: "ack", receipt: -1 }),
  frame("a drain that is to last longer than any", { kind: "drain", spreadSeconds: MAX_DRAIN_SPREAD_SECONDS + 1 }),
  frame("a drain backwards", { kind: "drain", spreadSeconds: -1 }),
  frame("a page that watches for ever", { kind: "watch", seconds: Number.MAX_SAFE_INTEGER }),
  frame("an envelope larger than any", {
    kind: "deliver",
    number: 1,
    envelope: toBase64url(new Uint8Array(MAX_ENVELOPE_BYTES + 1)),
  }),
  frame("a kind of the prototype", { kind: "constructor" }),
  raw("frame with white space", "malformed_frame", () => '{"kind": "drain"}'),
  raw("frame with a key twice", "malformed_frame", () => '{"kind":"ack","kind":"drain"}'),
  raw("frame with a byte order mark", "malformed_frame", () => '\uFEFF{"kind":"drain"}'),
  raw("frame with a prototype", "malformed_frame", () => '{"__proto__":{},"kind":"drain"}'),
  raw("empty frame", "malformed_frame", () => ""),
  raw("frame that is an array", "malformed_frame", () => "[]"),
  raw("frame nested 60,000 deep", "malformed_frame", () => "[".repeat(60_000) + "]".repeat(60_000)),
  raw("binary frame", "binary", () => utf8('{"kind":"drain"}')),
  raw("frame larger than any", "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH", () => `{"kind":"${"x".repeat(MAX_FRAME_BYTES)}"}`),
  closes("joined")("requests for a challenge by the hundred", "flood", floodOfPrepares),
  closes("joined")("more deliveries than any host carries out", "flood", ({ tunnel }) => {
    for (let i = 0; i <= inwardLimits.deliver.perMinute; i += 1) tunnel.send(early.deliver);
  }),
];

/** Honest requests of one person, all at once: each costs the host two signatures to verify. */
export async function floodOfPrepares(scene: Scene): Promise<void> {
  const { otto } = scene.town.actors;
  const { workspace, host } = scene.town.world;
  const session = assertedCodec.encode(
    await asserted(otto.passkey, "session", { body: encodeCanonical(otto.session) }),
  );
  const requests = Array.from({ length: 200 }, () =>
    encodeCanonical({
      v: 1,
      workspace,
      host,
      actor: { session: otto.digest },
      operation: "host.check@1",
      jti: freshNonce(),
    }),
  );
  const prepares = await Promise.all(requests.map((body) => signed(otto.sessionKey, "prepare", body)));
  for (const prepare of prepares) scene.tunnel.send({ kind: "prepare", prepare, session: toBase64url(session) });
}

export const tunnelAttacks: readonly Attack[] = [...order, ...welcomes, ...frames];
