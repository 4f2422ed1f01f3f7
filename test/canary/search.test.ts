import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { formsOf, search, type Canary } from "./search.ts";

const canary: Canary = { place: "a label", text: 'CANARY-label-"plum/harbour+7f3a' };
const plain = Buffer.from(canary.text);

describe("a canary is found", () => {
  const writings: readonly (readonly [string, Buffer])[] = [
    ["as it is", plain],
    ["in JSON", Buffer.from(JSON.stringify({ a: canary.text }))],
    ["in hexadecimal", Buffer.from(plain.toString("hex"))],
    ["in capitals of it", Buffer.from(plain.toString("hex").toUpperCase())],
    ["percent-encoded", Buffer.from(encodeURIComponent(canary.text))],
    ["in UTF-16", Buffer.from(canary.text, "utf16le")],
    ...[0, 1, 2, 3, 4].flatMap((before) =>
      (["base64", "base64url"] as const).map(
        (form) =>
          [
            `in ${form} after ${String(before)} bytes`,
            Buffer.from(Buffer.concat([Buffer.alloc(before, 0xff), plain, Buffer.from("zz")]).toString(form)),
          ] as const,
      ),
    ),
    ["inside zstd, to the end of the sink", zstdCompressSync(plain)],
    ...(
      [
        ["gzip", gzipSync],
        ["zlib", deflateSync],
      ] as const
    ).map(
      ([name, compress]) =>
        [`inside ${name}`, Buffer.concat([Buffer.from("before"), compress(plain), Buffer.from("after")])] as const,
    ),
    ["inside raw deflate", deflateRawSync(plain)],
    ["inside brotli", brotliCompressSync(plain)],
    ["compressed twice", gzipSync(Buffer.concat([Buffer.alloc(100, 1), gzipSync(plain)]))],
    ["as base64 inside gzip", gzipSync(Buffer.from(plain.toString("base64")))],
  ];
  it.each(writings)("%s", (name, bytes) => {
    const noise = Buffer.from(Array.from({ length: 1_000 }, (_unused, i) => (i * 7_919) % 251));
    const isWhole = /raw deflate|brotli/.test(name);
    const [finding] = search(
      "sink",
      isWhole ? bytes : Buffer.concat([noise, bytes, name.includes("zstd") ? Buffer.alloc(0) : noise]),
      [canary],
    );
    expect(finding).toMatchObject({ sink: "sink", place: "a label" });
    if (!isWhole) expect(finding?.offset).toBeGreaterThanOrEqual(1_000);
  });
});

it("what is not there is not found", () => {
  const other = Buffer.from("CANARY-other-value".repeat(100));
  expect(search("sink", Buffer.concat([other, gzipSync(other)]), [canary])).toEqual([]);
});

it("a canary that chance could write is refused", () => {
  expect(() => formsOf({ place: "x", text: "short" })).toThrow(TypeError);
});
