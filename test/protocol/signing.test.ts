import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { concatBytes, toBase64url, toHex, utf8 } from "../../protocol/bytes.ts";
import {
  digestBytes,
  digestOf,
  messageKinds,
  preAuthenticationEncoding,
  sha256Of,
  typeOf,
  verifySignature,
} from "../../protocol/signing.ts";
import { flipBase64url, signerOf } from "../fixtures/keys.ts";

const body = utf8('{"v":1}');

describe("signatures over a message", () => {
  it("hold for the kind they were made for and for no other", async () => {
    const signer = await signerOf("host");
    for (const made of messageKinds) {
      const signature = await signer.sign(made, body);
      const verdicts = await Promise.all(
        messageKinds.map((kind) => verifySignature({ kind, body, signature, publicKey: signer.publicKey })),
      );
      expect(messageKinds.filter((_, i) => verdicts[i])).toEqual([made]);
    }
  });

  it.each([
    ["another body", { body: utf8('{"v":2}') }],
    ["a longer body", { body: concatBytes(body, utf8(" ")) }],
    ["another key", { publicKey: "key of a stranger" }],
    ["a signature with a bit changed", { signature: "flip" }],
    ["a signature with padding", { signature: "pad" }],
    ["a signature that is no base64url", { signature: "!" }],
    ["no signature", { signature: "" }],
    ["no key", { publicKey: "" }],
  ])("do not hold for %s, and nothing throws", async (_, bent) => {
    const signer = await signerOf("host");
    const stranger = await signerOf("stranger");
    const honest = {
      kind: "receipt",
      body,
      signature: await signer.sign("receipt", body),
      publicKey: signer.publicKey,
    } as const;
    expect(await verifySignature(honest)).toBe(true);
    const input = { ...honest, ...bent };
    const signature =
      { flip: flipBase64url(honest.signature, 511), pad: `${honest.signature}==` }[input.signature] ?? input.signature;
    const publicKey = input.publicKey === "key of a stranger" ? stranger.publicKey : input.publicKey;
    expect(await verifySignature({ ...input, signature, publicKey })).toBe(false);
  });
});

describe("digests", () => {
  it("are SHA-256 over the pre-authentication encoding", () => {
    expect(digestBytes("intent", body)).toEqual(sha256Of(preAuthenticationEncoding("intent", body)));
    expect(digestOf("intent", body)).toBe(toBase64url(digestBytes("intent", body)));
    // FIPS 180-4, the one-block example.
    expect(toHex(sha256Of(utf8("abc")))).toBe("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  });

  it("cannot be confused by moving bytes between type and body", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...messageKinds),
        fc.constantFrom(...messageKinds),
        fc.uint8Array(),
        fc.uint8Array(),
        (...[k1, k2, b1, b2]) => {
          const same = k1 === k2 && toHex(b1) === toHex(b2);
          expect(toHex(preAuthenticationEncoding(k1, b1)) === toHex(preAuthenticationEncoding(k2, b2))).toBe(same);
        },
      ),
    );
  });

  it("name every kind by a type of its own", () => {
    expect(new Set(messageKinds.map(typeOf)).size).toBe(messageKinds.length);
    expect(
      messageKinds.map(typeOf).filter((type) => !/^application\/vnd\.clawhold\.[a-z-]+\.v1\+json$/.test(type)),
    ).toEqual([]);
  });
});
