import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  concatBytes,
  equalBytes,
  fromBase64url,
  fromHex,
  toBase64url,
  toHex,
  utf8,
  utf8Text,
} from "../../protocol/bytes.ts";

const bytes = fc.uint8Array({ maxLength: 100 }).map((array) => new Uint8Array(array));

describe("base64url", () => {
  // RFC 4648, section 10, without padding; and two that use both special characters.
  it.each([
    ["", ""],
    ["66", "Zg"],
    ["666f", "Zm8"],
    ["666f6f", "Zm9v"],
    ["666f6f62", "Zm9vYg"],
    ["666f6f6261", "Zm9vYmE"],
    ["666f6f626172", "Zm9vYmFy"],
    ["fbff", "-_8"],
    ["ffffff", "____"],
  ])("%s is %s", (hex, text) => {
    expect(toBase64url(fromHex(hex))).toBe(text);
    expect(toHex(fromBase64url(text))).toBe(hex);
  });

  it.each([
    ["padding", "Zg=="],
    ["one padding sign", "Zm8="],
    ["plain base64's plus", "+_8"],
    ["plain base64's slash", "-/8"],
    ["a space", "Zm 9v"],
    ["a line feed at the end", "Zm9v\n"],
    ["a tab before", "\tZm9v"],
    ["one character", "A"],
    ["five characters", "Zm9vA"],
    ["unused bits in two characters", "Zh"],
    ["unused bits in three", "Zm9"],
    ["a letter beyond ASCII", "Zm9ä"],
    ["a full-width letter", "Ａaaa"],
    ["a character of two units", "😀aa"],
    ["a null", "Zm9\0"],
  ])("refuses %s", (_, text) => {
    expect(() => fromBase64url(text)).toThrow(RangeError);
  });

  it("agrees with the platform, both ways", () => {
    fc.assert(
      fc.property(bytes, (array) => {
        expect(toBase64url(array)).toBe(Buffer.from(array).toString("base64url"));
        expect(fromBase64url(toBase64url(array))).toEqual(array);
      }),
    );
  });

  it("gives one byte string one text", () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[A-Za-z0-9_-]{0,12}$/), (text) => {
        try {
          expect(toBase64url(fromBase64url(text))).toBe(text);
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError);
        }
      }),
      { numRuns: 1_000 },
    );
  });
});

describe("hex", () => {
  it("reads back what it writes", () => {
    fc.assert(
      fc.property(bytes, (array) => {
        expect(fromHex(toHex(array))).toEqual(array);
      }),
    );
  });
  it.each(["0", "0g", "AB", "0x", " 00", "00\n"])("refuses %j", (text) => {
    expect(() => fromHex(text)).toThrow(RangeError);
  });
});

describe("UTF-8", () => {
  it("keeps a byte order mark", () => {
    expect(utf8Text(Uint8Array.of(0xef, 0xbb, 0xbf, 0x61))).toBe("\ufeffa");
  });
  it.each(["c0af", "eda080", "f4908080", "ff", "c3"])("refuses %s", (hex) => {
    expect(() => utf8Text(fromHex(hex))).toThrow(TypeError);
  });
  it("reads back what it writes", () => {
    expect(utf8Text(utf8("Grüße 😀"))).toBe("Grüße 😀");
  });
});

describe("comparison and joining", () => {
  it("tells equal from different, also by length", () => {
    expect(equalBytes(Uint8Array.of(1, 2), Uint8Array.of(1, 2))).toBe(true);
    expect(equalBytes(Uint8Array.of(1, 2), Uint8Array.of(1, 3))).toBe(false);
    expect(equalBytes(Uint8Array.of(1, 2), Uint8Array.of(3, 2))).toBe(false);
    expect(equalBytes(Uint8Array.of(1, 2), Uint8Array.of(1, 2, 0))).toBe(false);
    expect(equalBytes(new Uint8Array(), new Uint8Array())).toBe(true);
  });
  it("joins in order", () => {
    expect(concatBytes(Uint8Array.of(1), new Uint8Array(), Uint8Array.of(2, 3))).toEqual(Uint8Array.of(1, 2, 3));
  });
});
