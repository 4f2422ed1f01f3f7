import { describe, expect, it } from "vitest";
import { CopyDigest } from "../../../durable-objects/export/copy-digest.ts";
import { toBase64url, utf8 } from "../../../protocol/bytes.ts";
import { sha256Of } from "../../../protocol/signing.ts";

const whole = toBase64url(sha256Of(utf8("one two three")));
const one = { from: undefined, next: "2", text: "one " };
const two = { from: "2", next: "3", text: "two " };
const three = { from: "3", next: undefined, text: "three" };

describe("the digest of a copy", () => {
  it("comes with the last piece", () => {
    const digest = new CopyDigest();
    expect([one, two, three].map((part) => digest.add(part))).toEqual([undefined, undefined, whole]);
    expect(new CopyDigest().add({ ...one, next: undefined, text: "one two three" })).toBe(whole);
  });

  it("takes the last word of a piece that is asked for again", () => {
    const digest = new CopyDigest();
    digest.add({ ...one, text: "lost " });
    digest.add(one);
    digest.add({ ...two, text: "lost " });
    digest.add(two);
    digest.add({ ...three, text: "lost" });
    expect(digest.add(three)).toBe(whole);
  });

  it("does not come where a piece is left out, or comes too early", () => {
    const digest = new CopyDigest();
    digest.add(one);
    expect(digest.add(three)).toBeUndefined();
    expect(new CopyDigest().add(three)).toBeUndefined();
  });

  it("begins anew with the first piece", () => {
    const digest = new CopyDigest();
    for (const part of [one, two, one, two]) digest.add(part);
    expect(digest.add(three)).toBe(whole);
  });
});
