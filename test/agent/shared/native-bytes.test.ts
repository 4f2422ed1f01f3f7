import fc from "fast-check";
import { describe, expect, it } from "vitest";
import * as native from "../../../agent/shared/native-bytes.ts";
import * as portable from "../../../protocol/bytes.ts";

/** Characters of both alphabets, and what a lenient decoder passes over. */
const NEARLY = ["A", "Z", "a", "g", "z", "0", "9", "-", "_", "+", "/", "=", " ", "\n", "ä", "😀"];

/** What it makes of a text, or that it refuses it. */
function read(from: (text: string) => Uint8Array, text: string): string {
  try {
    return portable.toHex(from(text));
  } catch (error) {
    expect(error).toBeInstanceOf(RangeError);
    return "refused";
  }
}

describe("base64url of the agent's own program", () => {
  it("has everything that the protocol's has", () => {
    expect(Object.keys(native).toSorted()).toEqual(Object.keys(portable).toSorted());
  });

  it("writes what the protocol writes, of parts of a buffer too", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(8), (array, start) => {
        const part = array.subarray(start);
        expect(native.toBase64url(part)).toBe(portable.toBase64url(part));
      }),
    );
  });

  it("reads into memory of its own", () => {
    const bytes = native.fromBase64url("Zm9vYmFy");
    expect(bytes.constructor).toBe(Uint8Array);
    expect(bytes.byteOffset).toBe(0);
    expect(bytes.buffer.byteLength).toBe(6);
  });

  it.each([
    "Zg==",
    "Zm8=",
    "+_8",
    "-/8",
    "Zm 9v",
    "Zm9v\n",
    "\tZm9v",
    "A",
    "Zm9vA",
    "Zh",
    "Zm9",
    "Zm9ä",
    "Ａaaa",
    "Zm9\0",
  ])("refuses %j, as the protocol does", (text) => {
    expect(read(native.fromBase64url, text)).toBe("refused");
    expect(read(portable.fromBase64url, text)).toBe("refused");
  });

  it("takes and refuses what the protocol takes and refuses", () => {
    const near = fc.string({ unit: fc.constantFrom(...NEARLY), maxLength: 12 });
    fc.assert(
      fc.property(fc.oneof(near, fc.string()), (text) => {
        expect(read(native.fromBase64url, text)).toBe(read(portable.fromBase64url, text));
      }),
      { numRuns: 300 },
    );
  });
});
