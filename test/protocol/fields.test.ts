import * as v from "valibot";
import { describe, expect, it } from "vitest";
import {
  codec,
  fingerprint,
  fixedBytes,
  gatewayBootId,
  id,
  label,
  operationName,
  origin,
  rpId,
  seconds,
  someBytes,
} from "../../protocol/fields.ts";
import { MalformedError } from "../../protocol/canonical.ts";
import { MAX_LABEL_CHARACTERS } from "../../protocol/limits.ts";

type Row = readonly [string, v.GenericSchema, readonly unknown[], readonly unknown[]];

const rows: readonly Row[] = [
  [
    "32 bytes",
    fixedBytes(32),
    ["A".repeat(43), `${"_".repeat(42)}8`],
    ["A".repeat(42), "A".repeat(44), `${"A".repeat(42)}B`, `${"A".repeat(43)}=`, ` ${"A".repeat(42)}`, 1, undefined],
  ],
  ["1 to 4 bytes", someBytes(4), ["AA", "AAAAAA"], ["", "A", "AAAAAAA", "AB", "AA\n"]],
  [
    "ids",
    id,
    ["p-ada", "h-0", "ab"],
    ["", "a", "A-b", "-a", "p_a", "p.a", "1a", `p${"a".repeat(48)}`, "p-ada\n", "p-ädä"],
  ],
  [
    "boot ids",
    gatewayBootId,
    ["boot-0001", "550e8400-e29b-41d4-a716-446655440000"],
    ["short", "a".repeat(65), "boot 0001", "boot_0001", "<script>1"],
  ],
  [
    "operations",
    operationName,
    ["gateway.restart@1", "exec.allow-once@12"],
    ["gateway.restart", "gateway.restart@0", "gateway.restart@100", "Gateway@1", "@1", "a@1", "gateway restart@1"],
  ],
  ["labels", label, ["x", "vps-3 (Köln)", "a b"], ["", " x", "x ", "x\n", "x".repeat(MAX_LABEL_CHARACTERS + 1)]],
  [
    "origins",
    origin,
    [
      "https://a.example",
      "https://a.example:8443",
      "http://clawhold.localhost:1",
      "http://localhost",
      "http://localhost:65535",
    ],
    [
      "http://a.example",
      "https://a.example/",
      "https://A.example",
      "https://a.example:",
      "https://a.example:123456",
      "http://localhost.evil.example",
      "http://xlocalhost:1",
      "https://u@a.example",
      "https://a.example\n",
      "null",
      "file://",
      "https://",
      "https://[::1]",
    ],
  ],
  [
    "rpIds",
    rpId,
    ["clawhold.localhost", "a.example", "a"],
    ["", ".a", "a.", "A", "a_b", "a/b", "a:1", "-a", "a".repeat(254)],
  ],
  [
    "fingerprints",
    fingerprint,
    ["0".repeat(64), "abcdef".padEnd(64, "9")],
    ["0".repeat(63), "A".repeat(64), "g".repeat(64)],
  ],
  ["seconds", seconds, [0, 253_402_300_799], [-1, 0.5, 253_402_300_800, "0", Number.NaN, Number.POSITIVE_INFINITY]],
];

describe.each(rows)("%s", (...[, schema, good, bad]) => {
  it("take what they should", () => {
    expect(good.filter((value) => !v.is(schema, value))).toEqual([]);
  });
  it("refuse the rest", () => {
    expect(bad.filter((value) => v.is(schema, value))).toEqual([]);
  });
});

describe("a codec", () => {
  const numbers = codec(v.strictObject({ n: v.optional(seconds), list: v.optional(v.array(v.strictObject({}))) }));
  it("reads values that are already JSON with the same rules", () => {
    expect(numbers.check({ n: 1 })).toEqual({ n: 1 });
    expect(() => numbers.check({ n: 1, m: 1 })).toThrow(MalformedError);
    expect(() => numbers.check({ list: [[]] })).toThrow("not read as written");
    expect(() => numbers.check([])).toThrow(MalformedError);
  });
  it("does not write what it would not read", () => {
    expect(() => numbers.encode({ n: -1 })).toThrow(MalformedError);
    expect(() => numbers.encode({ n: 1, m: 1 } as never)).toThrow(MalformedError);
  });
  it("names the field and never the value in an error", () => {
    const secret = codec(v.strictObject({ token: fixedBytes(32) }));
    expect(() => secret.check({ token: "hunter2" })).toThrow(/^schema: token$/);
  });
});
