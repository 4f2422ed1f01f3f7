import { describe, expect, it } from "vitest";
import { toBase64url, utf8, utf8Text } from "../../protocol/bytes.ts";
import { encodeCanonical, MalformedError } from "../../protocol/canonical.ts";
import { MAX_ENVELOPE_BYTES, MAX_FRAME_BYTES } from "../../protocol/limits.ts";
import { inwardFrames, outwardFrames, PING, PONG, type InwardFrame } from "../../protocol/tunnel.ts";
import { assertedSample, inwardSamples, outwardSamples } from "../fixtures/frames.ts";
import { makeWorld, type Fields } from "../fixtures/workspace.ts";

/** `successor` is tried below: beside an automation key there is neither. */
const OPTIONAL = [
  "trust-want: after",
  "prepare: session",
  "witness-refused: held",
  "witness-refused: receipt",
  "witness-reset: note",
  "reading: ciphertext",
];

const directions = [
  { name: "inward", codec: inwardFrames, own: inwardSamples, foreign: outwardSamples },
  { name: "outward", codec: outwardFrames, own: outwardSamples, foreign: inwardSamples },
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
    const page = { statements: Array.from({ length: 64 }, () => ({ ...statement, approvals: [assertedSample] })) };
    expect(() => inwardFrames.encode({ kind: "trust", page })).toThrow(TypeError);
  });
});
