import { describe, expect, it } from "vitest";
import { toBase64url, utf8, utf8Text } from "../../protocol/bytes.ts";
import { encodeCanonical, MalformedError } from "../../protocol/canonical.ts";
import { MAX_ENVELOPE_BYTES, MAX_FRAME_BYTES } from "../../protocol/limits.ts";
import { inwardFrames, outwardFrames, PING, PONG, type InwardFrame, type OutwardFrame } from "../../protocol/tunnel.ts";
import { nonceOf } from "../fixtures/keys.ts";
import { telemetrySample } from "../fixtures/telemetry.ts";
import { makeWorld, type Fields } from "../fixtures/workspace.ts";

const signed = { body: nonceOf("body"), signature: `${"B".repeat(85)}A` };
const asserted = {
  body: nonceOf("b"),
  assertion: {
    credentialId: nonceOf("c"),
    clientData: nonceOf("d"),
    authenticatorData: nonceOf("a"),
    signature: nonceOf("s"),
  },
};
const trustHead = { n: 1, hash: nonceOf("hash"), revoked: nonceOf("revoked") };

/** One of each kind; the compiler keeps the lists complete. */
const inward: { readonly [K in InwardFrame["kind"]]: Extract<InwardFrame, { kind: K }> } = {
  challenge: { kind: "challenge", edgeNonce: nonceOf("en"), tunnel: nonceOf("t") },
  trust: { kind: "trust", page: { statements: [] } },
  welcome: { kind: "welcome", signed },
  prepare: { kind: "prepare", prepare: signed, session: nonceOf("session") },
  "session-end": {
    kind: "session-end",
    end: { body: nonceOf("end"), session: asserted, by: { kind: "session", signature: signed.signature } },
  },
  deliver: { kind: "deliver", number: 1, envelope: nonceOf("envelope") },
  ack: { kind: "ack", receipt: 1 },
  checkpoint: { kind: "checkpoint", note: nonceOf("note") },
  proof: {
    kind: "proof",
    from: 1,
    to: 2,
    consistency: [nonceOf("node")],
    receipts: [{ number: 1, entry: nonceOf("entry"), inclusion: [nonceOf("node")] }],
  },
  certificate: { kind: "certificate", certificate: nonceOf("certificate") },
  "certificate-refused": { kind: "certificate-refused", code: "not_due" },
  drain: { kind: "drain" },
  watch: { kind: "watch", seconds: 60 },
};
const outward: { readonly [K in OutwardFrame["kind"]]: Extract<OutwardFrame, { kind: K }> } = {
  hello: { kind: "hello", signed },
  "trust-want": { kind: "trust-want", after: trustHead },
  "trust-ack": { kind: "trust-ack", signed },
  prepared: { kind: "prepared", signed },
  refused: { kind: "refused", subject: nonceOf("subject"), code: "challenge" },
  receipt: { kind: "receipt", number: 1, signed },
  telemetry: { kind: "telemetry", telemetry: telemetrySample },
  farewell: { kind: "farewell", signed },
  witnessed: { kind: "witnessed", note: nonceOf("note") },
  "proof-want": { kind: "proof-want", from: 0, to: 2, receipts: [1] },
  cosignature: { kind: "cosignature", note: nonceOf("note") },
  "witness-refused": {
    kind: "witness-refused",
    reason: "smaller",
    held: nonceOf("held"),
    shown: nonceOf("shown"),
    receipt: 1,
  },
  "certificate-request": { kind: "certificate-request", signed },
  "witness-reset": { kind: "witness-reset", note: nonceOf("note") },
};

/** `successor` is tried below: beside an automation key there is neither. */
const OPTIONAL = [
  "trust-want: after",
  "prepare: session",
  "witness-refused: held",
  "witness-refused: receipt",
  "witness-reset: note",
];

const directions = [
  { name: "inward", codec: inwardFrames, own: inward, foreign: outward },
  { name: "outward", codec: outwardFrames, own: outward, foreign: inward },
] as const;

describe.each(directions)("$name frames", ({ codec, own, foreign }) => {
  const decode = (fields: Fields): unknown => codec.decode(utf8Text(encodeCanonical(fields)));

  it.each(Object.keys(own))("%s comes back as it was sent", (kind) => {
    const frame = (own as Record<string, unknown>)[kind];
    expect(codec.decode(codec.encode(frame as never))).toEqual(frame);
  });

  it.each(Object.keys(own))("%s with an unknown field is refused", (kind) => {
    expect(() => decode({ ...(own as Record<string, Fields>)[kind], foreign: 1 })).toThrow(MalformedError);
  });

  it.each(Object.keys(own))("%s without any one field is refused, or the field is optional", (kind) => {
    const frame = (own as Record<string, Fields>)[kind] ?? {};
    for (const name of Object.keys(frame)) {
      const { [name]: _removed, ...rest } = frame;
      if (OPTIONAL.includes(`${kind}: ${name}`)) expect(() => decode(rest)).not.toThrow();
      else expect(() => decode(rest), name).toThrow(MalformedError);
    }
  });

  it.each(Object.keys(foreign))("%s, which goes the other way, is refused", (kind) => {
    expect(() => decode((foreign as Record<string, Fields>)[kind] ?? {})).toThrow(MalformedError);
  });

  it.each(["stream.open", "certificate-renewed", "exec", "toString", ""])("the unknown kind %j is refused", (kind) => {
    expect(() => decode({ kind })).toThrow(MalformedError);
  });

  it.each([
    PING,
    PONG,
    "",
    "{}",
    "[]",
    '"drain"',
    '{"kind": "drain"}',
    '{"kind":"drain","kind":"drain"}',
    '{"kind":"drain"}\n',
    "\ufeff{}",
  ])("the text %j is no frame", (text) => {
    expect(() => codec.decode(text)).toThrow(MalformedError);
  });

  it("does not send what it would not accept", () => {
    expect(() => codec.encode({ kind: "exec" } as never)).toThrow(TypeError);
    expect(() => codec.encode({ ...Object.values(own)[0], foreign: 1 } as never)).toThrow(TypeError);
  });
});

describe("sizes", () => {
  it("carries the largest envelope", () => {
    const envelope = toBase64url(new Uint8Array(MAX_ENVELOPE_BYTES));
    expect(inwardFrames.decode(inwardFrames.encode({ kind: "deliver", number: 1, envelope }))).toMatchObject({
      envelope,
    });
  });

  it("refuses a larger envelope", () => {
    const envelope = toBase64url(new Uint8Array(MAX_ENVELOPE_BYTES + 3));
    expect(() => inwardFrames.decode(utf8Text(encodeCanonical({ kind: "deliver", number: 1, envelope })))).toThrow(
      MalformedError,
    );
  });

  it("refuses a frame over the limit before it reads it", () => {
    expect(() => inwardFrames.decode(" ".repeat(MAX_FRAME_BYTES + 1))).toThrow("too large");
    expect(() => inwardFrames.decode(" ".repeat(MAX_FRAME_BYTES))).toThrow("not UTF-8 JSON");
  });

  it("counts bytes, not characters", () => {
    const text = `{"kind":"${"ä".repeat(MAX_FRAME_BYTES / 2)}"}`;
    expect(utf8(text).length).toBeGreaterThan(MAX_FRAME_BYTES);
    expect(() => inwardFrames.decode(text)).toThrow("too large");
  });

  it("carries a whole small trust log in one frame", async () => {
    const { root, statements } = await makeWorld();
    const frame: InwardFrame = { kind: "trust", page: { root, statements: [...statements] } };
    expect(inwardFrames.decode(inwardFrames.encode(frame))).toEqual(frame);
  });

  it("does not send a frame that the other end would refuse for its size", () => {
    const statement = { statement: toBase64url(new Uint8Array(16_000)), approvals: [] as never[] };
    const page = { statements: Array.from({ length: 64 }, () => ({ ...statement, approvals: [asserted] })) };
    expect(() => inwardFrames.encode({ kind: "trust", page })).toThrow(TypeError);
  });
});
