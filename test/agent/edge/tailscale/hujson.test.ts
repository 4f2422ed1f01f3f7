import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MAX_POLICY_CHARACTERS, parseHujson } from "../../../../agent/edge/tailscale/hujson.ts";

describe("JSON with comments", () => {
  it("is JSON", () => {
    fc.assert(
      fc.property(fc.jsonValue({ depthSize: "small" }), fc.constantFrom(0, 2), (value, space) => {
        const text = JSON.stringify(value, undefined, space);
        // The names of an object's own methods are plain names here.
        expect(parseHujson(text).json).toEqual(JSON.parse(text));
      }),
      { numRuns: 300 },
    );
  });

  it("may have comments anywhere, and a comma behind the last", () => {
    const text = `// first
    { // a
      "a": /* b */ [1, 2, /* c */], // d
      /* e */ "b" : {"c": "//not/*a*/comment",},
    } // last`;
    const root = parseHujson(text);
    expect(root.json).toEqual({ a: [1, 2], b: { c: "//not/*a*/comment" } });
    expect(root.items.map(({ start, end }) => text.slice(start, end))).toEqual([
      '"a": /* b */ [1, 2, /* c */]',
      '"b" : {"c": "//not/*a*/comment",}',
    ]);
    expect(root.items[1]?.comments.map(({ start, end }) => text.slice(start, end))).toEqual(["// d", "/* e */"]);
  });

  it.each([
    ["", "line 1, column 1"],
    ["{", "line 1, column 2"],
    ['{\n  "a": 1\n  "b": 2}', "line 3, column 3"],
    ["[1 2]", "expected a comma"],
    ["[,]", "expected a value"],
    ["{,}", "a name in quotes"],
    ['{"a" 1}', "expected :"],
    ['{"a":1,"a":2}', "twice"],
    ["[1,,]", "expected a value"],
    ["01", "more after the end"],
    ["'a'", "expected a value"],
    ['"a\nb"', "expected a string"],
    ["{} {}", "more after the end"],
    ["/* ", "a comment without an end"],
    ["[".repeat(100), "nested too deeply"],
    [" ".repeat(MAX_POLICY_CHARACTERS + 1), "too long"],
    ["nul", "expected a value"],
  ])("is refused when it is not: %j", (text, why) => {
    expect(() => parseHujson(text)).toThrow(why);
  });
});
