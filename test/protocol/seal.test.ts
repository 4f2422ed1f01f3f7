import * as v from "valibot";
import { describe, expect, it } from "vitest";
import { utf8, utf8Text } from "../../protocol/bytes.ts";
import { MalformedError } from "../../protocol/canonical.ts";
import {
  MAX_ENVELOPE_BYTES,
  MAX_FRAME_BYTES,
  MAX_READING_PARTS,
  MAX_SEALED_BYTES,
  READING_PART_BYTES,
} from "../../protocol/limits.ts";
import { operations, type Operation } from "../../protocol/operations.ts";
import { reads } from "../../protocol/reads.ts";
import { decodeContent, encodeContent, partData, replyInfo, sealInfo } from "../../protocol/seal.ts";
import { nonceOf } from "../fixtures/keys.ts";

describe("what a ciphertext is bound to", () => {
  const place = { workspace: "w", host: "h", operation: "config.set@1", challenge: "c" };

  it("is written out, of a kind of its own", () => {
    expect(utf8Text(sealInfo(place))).toBe(
      'DSSEv1 37 application/vnd.clawhold.seal.v1+json 88 {"challenge":"c","host":"h","operation":"config.set@1","path":"content","workspace":"w"}',
    );
    expect(utf8Text(replyInfo({ workspace: "w", host: "h", request: "r" }))).toBe(
      'DSSEv1 38 application/vnd.clawhold.reply.v1+json 42 {"host":"h","request":"r","workspace":"w"}',
    );
    expect([utf8Text(partData(0, false)), utf8Text(partData(5, true))]).toEqual(["0 more", "5 final"]);
  });

  it("differs in every part of its place", () => {
    const all = [place, ...Object.keys(place).map((name) => ({ ...place, [name]: "other" }))].map((one) =>
      utf8Text(sealInfo(one)),
    );
    expect(new Set(all).size).toBe(all.length);
  });
});

describe("content", () => {
  const schema = v.strictObject({ text: v.string(), list: v.array(v.number()) });
  const content = { text: "two\nlines \u202e", list: [1, 2] };

  it("comes back as it was written, whatever its text holds", () => {
    expect(utf8Text(encodeContent(schema, content))).toBe('{"list":[1,2],"text":"two\\nlines \u202e"}');
    expect(decodeContent(schema, encodeContent(schema, content))).toEqual(content);
  });

  it("has one spelling, and nothing beside what its schema names", () => {
    for (const text of [
      "",
      "null",
      "nonsense",
      '{"text":"","list":[]}',
      '{"list":[],"text":""} ',
      '{"list":[],"list":[],"text":""}',
      '{"list":[1.0],"text":""}',
      '{"foreign":1,"list":[],"text":""}',
      '{"list":{},"text":""}',
    ])
      expect(() => decodeContent(schema, utf8(text)), text).toThrow(MalformedError);
    expect(() => decodeContent(schema, new Uint8Array([0x22, 0xff, 0x22]))).toThrow(MalformedError);
    expect(decodeContent(schema, utf8('{"list":[],"text":""}'))).toEqual({ list: [], text: "" });
    expect(() => encodeContent(schema, { ...content, foreign: 1 })).toThrow(MalformedError);
    expect(() => encodeContent(schema, undefined)).toThrow(MalformedError);
  });
});

describe("room", () => {
  it("is left in an envelope for a sealed text, and in a frame for a part", () => {
    expect(Math.ceil((MAX_SEALED_BYTES * 4) / 3)).toBeLessThan(MAX_ENVELOPE_BYTES - 16_384);
    expect(Math.ceil((READING_PART_BYTES * 4) / 3)).toBeLessThan(MAX_FRAME_BYTES - 4_096);
    expect(MAX_READING_PARTS * READING_PART_BYTES).toBe(294_912);
  });
});

describe("the tables", () => {
  it("let nothing that is sealed be proposed to others or done by a fleet command", () => {
    const sealed = Object.entries(operations).filter(([, row]) => (row as Operation).sealed !== undefined);
    expect(sealed.map(([name]) => name).toSorted()).toEqual([
      "agent.create@1",
      "agent.edit@1",
      "channel.allow@1",
      "config.set@1",
      "cron.add@1",
      "cron.edit@1",
      "posture.fix-with@1",
      "posture.waive@1",
      "profile.apply@1",
    ]);
    // A touch on a page that the edge serves could be a touch for another text.
    expect(sealed.every(([, row]) => row.class === "critical")).toBe(true);
  });

  it("give content only to who may read content, and say of each read what it is", () => {
    for (const [name, row] of Object.entries(reads)) {
      expect(row.permission === "content.read", name).toBe("content" in row);
      expect(name.startsWith("content."), name).toBe("content" in row);
      expect(row.what).toMatch(/^[a-z].*[a-z]$/);
      expect(v.is(row.args, { foreign: nonceOf("x") }), name).toBe(false);
      expect(v.is(row.result, { foreign: nonceOf("x") }), name).toBe(false);
    }
  });
});
