import { wordlist } from "@scure/bip39/wordlists/english.js";
import { describe, expect, it } from "vitest";
import { digestBytes } from "../../protocol/signing.ts";
import { encodeCanonical } from "../../protocol/canonical.ts";
import { hostIdOf, hostWords } from "../../protocol/words.ts";
import { nonceOf } from "../fixtures/keys.ts";

const identity = { hostKey: nonceOf("hk"), workspace: nonceOf("workspace") };

describe("host words", () => {
  it("are these for this key and workspace, for ever", () => {
    expect(hostWords(identity)).toEqual(["churn", "clutch", "bag", "person", "symptom", "dose"]);
    expect(hostIdOf(identity.hostKey)).toBe("h-p4rihmgmxfgebstv3zym");
  });

  it("are the first 66 bits of the digest, read as a number", () => {
    const digest = digestBytes("host-words", encodeCanonical({ ...identity }));
    const number = digest.subarray(0, 9).reduce((value, byte) => (value << 8n) | BigInt(byte), 0n) >> 6n;
    const indices = [5, 4, 3, 2, 1, 0].map((place) => Number((number >> BigInt(11 * place)) & 2_047n));
    expect(hostWords(identity)).toEqual(indices.map((index) => wordlist[index]));
  });

  it("differ for another key and for another workspace", () => {
    const all = [identity, { ...identity, hostKey: nonceOf("x") }, { ...identity, workspace: nonceOf("x") }].map(
      (one) => hostWords(one).join(" "),
    );
    expect(new Set(all).size).toBe(3);
  });
});

describe("host ids", () => {
  it("follow from the key and fit the id field", () => {
    for (let i = 0; i < 200; i++) expect(hostIdOf(nonceOf(`key ${i}`))).toMatch(/^h-[a-z0-9]{20}$/);
  });
  it("do not repeat", () => {
    expect(new Set(Array.from({ length: 200 }, (_, i) => hostIdOf(nonceOf(`key ${i}`)))).size).toBe(200);
  });
});
