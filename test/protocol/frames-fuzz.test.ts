/**
 * Both parsers of the tunnel against texts that nobody honest wrote: mutants of real frames, frames built from the grammar
 * with parts that do not belong, and noise. Whatever it is, it is a frame with exactly these bytes or a MalformedError.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { utf8, utf8Text } from "../../protocol/bytes.ts";
import { encodeCanonical, MalformedError } from "../../protocol/canonical.ts";
import { inwardLimits, outwardLimits } from "../../protocol/frame-limits.ts";
import { MAX_FRAME_BYTES } from "../../protocol/limits.ts";
import { inwardFrames, outwardFrames } from "../../protocol/tunnel.ts";
import { inwardSamples, outwardSamples } from "../fixtures/frames.ts";
import { fuzzRun } from "../fixtures/fuzz.ts";
import { WorkCounter } from "../fixtures/work.ts";
import { describeValue } from "../fixtures/describe-value.ts";

const samples: readonly object[] = [...Object.values(inwardSamples), ...Object.values(outwardSamples)];
const texts = samples.map((frame) => utf8Text(encodeCanonical(frame)));
const kinds = [...Object.keys(inwardLimits), ...Object.keys(outwardLimits)];

const decoders = [
  { name: "inward", frames: inwardFrames, limits: inwardLimits },
  { name: "outward", frames: outwardFrames, limits: outwardLimits },
] as const;

/** Parts that tempt a parser. */
const tempting = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    true,
    "",
    -1,
    -0,
    1.5,
    2 ** 53,
    1e308,
    [],
    {},
    "A",
    "AA==",
    "\u0000",
    "\u202e",
    "\ud800",
    "constructor",
    "__proto__",
    { kind: "drain" },
  ),
  fc.jsonValue({ maxDepth: 3 }),
  fc.string({ unit: "binary", maxLength: 64 }),
  fc.constantFrom(...kinds),
  fc.nat().map((length) => "A".repeat(length % 6_000)),
);

type Bend = (frame: Record<string, unknown>) => Record<string, unknown>;
const bend: fc.Arbitrary<Bend> = fc.oneof(
  fc.tuple(fc.nat(), tempting).map(([at, value]): Bend => (frame) => ({
    ...frame,
    [Object.keys(frame)[at % Object.keys(frame).length] ?? "kind"]: value,
  })),
  fc.nat().map(
    (at): Bend =>
      (frame) =>
        Object.fromEntries(Object.entries(frame).filter((_, i) => i !== at % Object.keys(frame).length)),
  ),
  fc.tuple(fc.string({ maxLength: 12 }), tempting).map(([key, value]): Bend => (frame) => ({ ...frame, [key]: value })),
  // One level further in.
  fc.tuple(fc.nat(), fc.nat(), tempting).map(([at, inner, value]): Bend => (frame) => {
    const [key, member] = Object.entries(frame)[at % Object.keys(frame).length] ?? ["kind", {}];
    if (typeof member !== "object" || member === null) return { ...frame, [key]: [member] };
    const names = Object.keys(member);
    return { ...frame, [key]: { ...member, [names[inner % Math.max(names.length, 1)] ?? "x"]: value } };
  }),
);

const grammatical = fc
  .tuple(fc.constantFrom(...samples), fc.array(bend, { minLength: 0, maxLength: 3 }))
  .map(([frame, bends]) => bends.reduce<Record<string, unknown>>((bent, one) => one(bent), { ...frame }))
  .map(describeValue);

/** Characters moved, doubled, lost and put in. */
const mutant = fc
  .tuple(
    fc.constantFrom(...texts),
    fc.array(fc.tuple(fc.nat(), fc.nat(3), fc.string({ unit: "binary", maxLength: 3 })), {
      minLength: 1,
      maxLength: 4,
    }),
  )
  .map(([text, edits]) =>
    edits.reduce((bent, [position, how, inserted]) => {
      const at = position % (bent.length + 1);
      if (how === 0) return bent.slice(0, at) + inserted + bent.slice(at);
      if (how === 1) return bent.slice(0, at) + bent.slice(at + 1);
      if (how === 2) return bent.slice(0, at) + bent.slice(Math.max(0, at - 4), at) + bent.slice(at);
      return bent.slice(0, at);
    }, text),
  );

const spliced = fc
  .tuple(fc.constantFrom(...texts), fc.constantFrom(...texts), fc.nat(), fc.nat())
  .map(([one, two, from, to]) => one.slice(0, from % one.length) + two.slice(to % two.length));

const anything = fc.oneof(
  { weight: 4, arbitrary: grammatical },
  { weight: 4, arbitrary: mutant },
  { weight: 1, arbitrary: spliced },
  { weight: 1, arbitrary: fc.string({ unit: "binary", maxLength: 400 }) },
);

describe.each(decoders)("the parser of $name frames", ({ name, frames, limits }) => {
  const { parameters, timeoutMilliseconds } = fuzzRun(3_000, decoders.length);
  const taken = new Set<string>();

  it(
    "takes a text as exactly itself, or throws a MalformedError and nothing else",
    () => {
      fc.assert(
        fc.property(anything, (text) => {
          let frame;
          try {
            frame = frames.decode(text);
          } catch (error) {
            expect(error).toBeInstanceOf(MalformedError);
            expect((error as MalformedError).message.length).toBeLessThan(100);
            return;
          }
          taken.add(frame.kind);
          // What was taken has these bytes and no others, and the sender's own checks agree.
          expect(frames.encode(frame as never)).toBe(text);
          expect(frames.decode(frames.encode(frame as never))).toEqual(frame);
          expect(utf8(text).length).toBeLessThanOrEqual(
            (limits as Record<string, { bytes: number }>)[frame.kind]?.bytes ?? 0,
          );
        }),
        parameters as object,
      );
    },
    timeoutMilliseconds,
  );

  it("and took some of each kind, so that the run was not in vain", () => {
    const own = Object.keys(name === "inward" ? inwardSamples : outwardSamples);
    expect(taken.size).toBeGreaterThan(own.length / 2);
  });
});

/** Texts that grow, each a family that blew up some parser once. */
const families: Readonly<Record<string, (size: number) => string>> = {
  "nested arrays": (size) => `{"kind":${"[".repeat(size / 2)}${"]".repeat(size / 2)}}`,
  "nested objects": (size) => `${'{"a":'.repeat(size / 6)}1${"}".repeat(size / 6)}`,
  "one long text": (size) => `{"kind":"${"A".repeat(size)}"}`,
  "one long text of escapes": (size) => `{"kind":"${"\\u0041".repeat(size / 6)}"}`,
  "a long text beyond ASCII": (size) => `{"kind":"${"é".repeat(size / 2)}"}`,
  "a long envelope that is almost base64url": (size) =>
    `{"envelope":"${"A".repeat(Math.floor(size / 4) * 4)}=","kind":"deliver","number":1}`,
  "many keys": (size) =>
    `{${Array.from({ length: Math.floor(size / 10) }, (_, i) => `"k${String(i).padStart(5, "0")}":1`).join(",")}}`,
  "one key many times": (size) => `{${Array.from({ length: Math.floor(size / 6) }, () => '"a":1').join(",")}}`,
  "a long number": (size) => `{"kind":"ack","receipt":${"9".repeat(size)}}`,
  "many numbers": (size) => `{"from":0,"kind":"proof-want","receipts":[${"1,".repeat(size / 2)}1],"to":1}`,
  "many statements": (size) =>
    `{"kind":"trust","page":{"statements":[${Array.from({ length: Math.floor(size / 40) }, () => '{"approvals":[],"statement":"AA"}').join(",")}]}}`,
  blanks: (size) => `${" ".repeat(size)}{"kind":"drain"}`,
};

describe("the work of a parser", () => {
  it("grows with the text, and not with its square", () => {
    const counter = new WorkCounter(/\/protocol\/|valibot|canonicalize/);
    const work = (family: (size: number) => string, size: number): number =>
      counter.count(() => {
        for (const { frames } of decoders) {
          try {
            frames.decode(family(size));
          } catch (error) {
            if (!(error instanceof MalformedError)) throw error;
          }
        }
      });
    for (const [name, family] of Object.entries(families)) {
      work(family, 1_024); // whatever is done once
      const [least, most] = [work(family, MAX_FRAME_BYTES / 8), work(family, MAX_FRAME_BYTES / 2)];
      // Four times the text: sixteen times the work would be the square.
      expect(most, `${name}: ${String(least)} for an eighth of a frame`).toBeLessThanOrEqual(least * 7 + 2_000);
    }
    counter.stop();
  });

  it("is counted by something that sees a square", () => {
    const counter = new WorkCounter(/frames-fuzz/);
    const square = (size: number): number =>
      counter.count(() => {
        let met = 0;
        for (let i = 0; i < size; i += 1) for (let j = 0; j < size; j += 1) met += i === j ? 1 : 0;
        expect(met).toBe(size);
      });
    square(8);
    expect(square(400)).toBeGreaterThan(square(100) * 12);
    counter.stop();
  });
});
