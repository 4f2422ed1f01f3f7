import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  ConfigurationSyntaxError,
  MAX_CONFIGURATION_CHARACTERS,
  parseConfiguration,
} from "../../../../agent/host/gateway/configuration.ts";

describe("parseConfiguration", () => {
  it.each([
    ["{}", {}],
    ["// c\n{a:1,}", { a: 1 }],
    ["{'a b': \"x\", /* y */ c: [1, 2, ], }", { "a b": "x", c: [1, 2] }],
    ["{a: .5, b: 5., c: +1, d: -0x10, e: 1e3}", { a: 0.5, b: 5, c: 1, d: -16, e: 1000 }],
    ["{a: true, b: false, c: null}", { a: true, b: false, c: undefined }],
    ["'it\\'s \\u0041\\x42 \\\nover'", "it's AB over"],
    ["\uFEFF{$a_1: Infinity}", { $a_1: Infinity }],
  ])("reads %s", (text, value) => {
    expect(parseConfiguration(text)).toEqual(value);
  });

  it.each([
    "",
    "{",
    "}",
    "{a}",
    "{a:}",
    "{a:1 b:2}",
    "[1,,2]",
    "{,}",
    "'x",
    '"a\nb"',
    "{a:1}}",
    "/* open",
    "tru",
    "'\\u00'",
    "--1",
    "{1.5:1}",
  ])("refuses %j", (text) => {
    expect(() => parseConfiguration(text)).toThrow(ConfigurationSyntaxError);
  });

  it("refuses what is too deep or too long", () => {
    expect(() => parseConfiguration("[".repeat(64) + "]".repeat(64))).not.toThrow();
    expect(() => parseConfiguration("[".repeat(65) + "]".repeat(65))).toThrow(ConfigurationSyntaxError);
    expect(() => parseConfiguration(" ".repeat(MAX_CONFIGURATION_CHARACTERS + 1))).toThrow(ConfigurationSyntaxError);
  });

  it("says where, and never what", () => {
    expect(() => parseConfiguration('{"token":"TOPSECRET" oops}')).toThrow(
      /^The configuration does not parse at character \d+\.$/,
    );
  });

  it("does not let a key reach the prototype", () => {
    const parsed = parseConfiguration('{"__proto__":{"gateway":1}}');
    expect(Object.getPrototypeOf(parsed)).toBeNull();
  });

  it("agrees with JSON.parse on JSON", () => {
    // An absent value cannot be told from null after a round trip, so null is left out.
    const value = fc.jsonValue({ maxDepth: 4 }).filter((candidate) => !JSON.stringify(candidate).includes("null"));
    fc.assert(
      fc.property(value, (json) => {
        const text = JSON.stringify(json);
        expect(JSON.parse(JSON.stringify(parseConfiguration(text)))).toEqual(JSON.parse(text));
      }),
    );
  });
});
