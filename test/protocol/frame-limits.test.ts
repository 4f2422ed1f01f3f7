import { describe, expect, it } from "vitest";
import { toBase64url, utf8Text } from "../../protocol/bytes.ts";
import { encodeCanonical, MalformedError } from "../../protocol/canonical.ts";
import { FrameMeter, inwardLimits, outwardLimits } from "../../protocol/frame-limits.ts";
import { MAX_ENVELOPE_BYTES, MAX_FRAME_BYTES, MAX_FRAME_NOTE_BYTES } from "../../protocol/limits.ts";
import { inwardFrames, outwardFrames } from "../../protocol/tunnel.ts";

const signature = `${"B".repeat(85)}A`;
const bytes = (length: number): string => toBase64url(new Uint8Array(length));
const textOf = (frame: object): string => utf8Text(encodeCanonical(frame));

/** A signed message with a body of so many bytes, whose kind has a limit below the frame's. */
const signedOf = (kind: string, length: number): object => ({ kind, signed: { body: bytes(length), signature } });

describe("the size of a frame", () => {
  it.each(["hello", "trust-ack", "prepared", "farewell"] as const)("%s at its limit, and above it", (kind) => {
    const room = outwardLimits[kind].bytes - textOf(signedOf(kind, 0)).length;
    const fits = textOf(signedOf(kind, Math.floor((room * 3) / 4)));
    expect(fits.length).toBeLessThanOrEqual(outwardLimits[kind].bytes);
    expect(outwardFrames.decode(fits)).toMatchObject({ kind });
    const over = signedOf(kind, Math.floor((room * 3) / 4) + 2);
    expect(() => outwardFrames.decode(textOf(over))).toThrow(new MalformedError("frame too large for its kind"));
    expect(() => outwardFrames.encode(over as never)).toThrow(TypeError);
  });

  it("the largest of what the schemas allow fits its kind", () => {
    const note = bytes(MAX_FRAME_NOTE_BYTES);
    expect(() =>
      inwardFrames.encode({ kind: "deliver", number: Number.MAX_SAFE_INTEGER, envelope: bytes(MAX_ENVELOPE_BYTES) }),
    ).not.toThrow();
    expect(() => inwardFrames.encode({ kind: "checkpoint", note })).not.toThrow();
    expect(() =>
      outwardFrames.encode({ kind: "witness-refused", reason: "smaller", held: note, shown: note, receipt: 1 }),
    ).not.toThrow();
    expect(() => inwardFrames.encode({ kind: "certificate", certificate: bytes(4_096) })).not.toThrow();
    const session = bytes(4_096);
    const prepare = { body: bytes(512), signature };
    expect(() => inwardFrames.encode({ kind: "prepare", prepare, session, successor: session })).not.toThrow();
  });

  it("no kind is allowed more than any frame", () => {
    for (const { bytes: limit } of [...Object.values(inwardLimits), ...Object.values(outwardLimits)])
      expect(limit).toBeLessThanOrEqual(MAX_FRAME_BYTES);
  });
});

describe("the rate of a kind", () => {
  it("is counted by kind, at the limit and one above, and begins anew after a minute", () => {
    const meter = new FrameMeter(outwardLimits);
    const { perMinute } = outwardLimits["trust-want"];
    for (let i = 0; i < perMinute; i += 1) expect(meter.admits("trust-want", 1_000 + i)).toBe(true);
    expect(meter.admits("trust-want", 60_999)).toBe(false);
    expect(meter.admits("telemetry", 60_999)).toBe(true);
    expect(meter.admits("trust-want", 61_000)).toBe(true);
  });

  it("lets honest bursts pass: what an absence of a day leaves", () => {
    const inward = new FrameMeter(inwardLimits);
    const outward = new FrameMeter(outwardLimits);
    for (let i = 0; i < 2_000; i += 1) {
      expect(inward.admits("deliver", i)).toBe(true);
      expect(inward.admits("ack", i)).toBe(true);
      expect(outward.admits("receipt", i)).toBe(true);
    }
    for (let i = 0; i < 64; i += 1) expect(inward.admits("session-end", i)).toBe(true);
  });
});
