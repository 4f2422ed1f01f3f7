import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fromHex, toHex, utf8, utf8Text } from "../../protocol/bytes.ts";
import { decodeCanonical, encodeCanonical, MalformedError } from "../../protocol/canonical.ts";
import { groupOf, itJudges } from "./rules/describe.ts";
import { parserCases } from "./rules/parser-cases.ts";

interface Rfc8785 {
  readonly numbers: readonly (readonly [string, string])[];
  readonly notNumbers: readonly string[];
  readonly sample: { readonly input: string; readonly hex: string };
  readonly sorting: { readonly input: string; readonly values: readonly string[] };
}
const rfc = JSON.parse(readFileSync(new URL("../vectors/rfc8785.json", import.meta.url), "utf8")) as Rfc8785;

function numberOf(bits: string): number {
  return new DataView(fromHex(bits).buffer).getFloat64(0);
}

describe("encoding, against RFC 8785", () => {
  it.each(rfc.numbers)("number %s is written %s", (bits, text) => {
    expect(utf8Text(encodeCanonical(numberOf(bits)))).toBe(text);
  });

  it.each(rfc.notNumbers)("%s is not a JSON number", (bits) => {
    expect(() => encodeCanonical(numberOf(bits))).toThrow();
  });

  it("writes the sample of section 3.2.2 as section 3.2.4 says", () => {
    expect(toHex(encodeCanonical(JSON.parse(rfc.sample.input)))).toBe(rfc.sample.hex);
  });

  it("sorts by UTF-16 units", () => {
    const text = utf8Text(encodeCanonical(JSON.parse(rfc.sorting.input)));
    expect(Object.values(JSON.parse(text) as object).sort((a, b) => text.indexOf(a) - text.indexOf(b))).toEqual(
      rfc.sorting.values,
    );
  });

  it("refuses what JSON cannot hold", () => {
    expect(() => encodeCanonical(undefined)).toThrow(TypeError);
    expect(() => encodeCanonical({ a: "\ud800" })).toThrow();
  });
});

describe("decoding", () => {
  itJudges(groupOf(parserCases, "canonical"));

  it("refuses every control, bidirectional and invisible character of Unicode", () => {
    const deceptive = /[\p{Cc}\p{Bidi_Control}\p{Default_Ignorable_Code_Point}\p{Zl}\p{Zp}]/u;
    const passed: string[] = [];
    for (let point = 0; point <= 0x10ffff; point++) {
      if (point >= 0xd800 && point <= 0xdfff) continue;
      const character = String.fromCodePoint(point);
      if (!deceptive.test(character)) continue;
      try {
        decodeCanonical(utf8(`{"a":${JSON.stringify(character)}}`));
        passed.push(point.toString(16));
      } catch (error) {
        expect(error).toBeInstanceOf(MalformedError);
      }
    }
    expect(passed).toEqual([]);
  });

  it("never quotes the content in an error", () => {
    try {
      decodeCanonical(utf8('{"a":secret}'));
      expect.unreachable();
    } catch (error) {
      expect(String(error)).not.toContain("secret");
    }
  });

  it("accepts exactly what it encodes", () => {
    const key = fc.stringMatching(/^[a-z][A-Za-z0-9]{0,8}$/);
    const leaf = fc.oneof(
      fc.maxSafeInteger().map((n) => n + 0),
      fc.boolean(),
      fc.stringMatching(/^[ -~äöü€😀]*$/u),
    );
    const value = fc.letrec((tie) => ({
      value: fc.oneof(
        { depthSize: "small" },
        leaf,
        fc.array(tie("value"), { maxLength: 4 }),
        fc.dictionary(key, tie("value"), { maxKeys: 4 }),
      ),
    })).value;
    fc.assert(
      fc.property(fc.dictionary(key, value, { maxKeys: 5 }), (object) => {
        const bytes = encodeCanonical(object);
        expect(toHex(encodeCanonical(decodeCanonical(bytes)))).toBe(toHex(bytes));
      }),
      { numRuns: 300 },
    );
  });

  it("gives one byte string one meaning: an accepted text is the only accepted text of its value", () => {
    const text = '{"a":1,"b":[true,"x"]}';
    fc.assert(
      fc.property(
        fc.nat(text.length - 1),
        fc.constantFrom(" ", "\t", "\n", "0", ",", '"', "\\u0061"),
        (at, inserted) => {
          const changed = utf8(text.slice(0, at) + inserted + text.slice(at));
          try {
            expect(encodeCanonical(decodeCanonical(changed))).toEqual(changed);
          } catch (error) {
            expect(error).toBeInstanceOf(MalformedError);
          }
        },
      ),
      { numRuns: 300 },
    );
  });
});
