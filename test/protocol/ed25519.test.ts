import { readFileSync } from "node:fs";
import * as noble from "@noble/ed25519";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { concatBytes, fromBase64url, fromHex, toHex, utf8 } from "../../protocol/bytes.ts";
import { isAcceptablePoint, verifyEd25519 } from "../../protocol/ed25519.ts";
import { flipBit, rawSigner } from "../fixtures/keys.ts";
import { smallOrderEncodings } from "../vectors/ed25519-edges.ts";
import { groupOf, itJudges } from "./rules/describe.ts";
import { signatureCases } from "./rules/signature-cases.ts";
import { parserCases } from "./rules/parser-cases.ts";

interface Test8032 {
  readonly name: string;
  readonly seed: string;
  readonly publicKey: string;
  readonly message: string;
  readonly signature: string;
}
const rfc = JSON.parse(readFileSync(new URL("../vectors/rfc8032.json", import.meta.url), "utf8")) as {
  readonly tests: readonly Test8032[];
};

describe("RFC 8032, section 7.1", () => {
  it.each(rfc.tests.map((test) => [test.name, test] as const))("%s", async (_, test) => {
    const signer = await rawSigner(fromHex(test.seed));
    const message = fromHex(test.message);
    expect(toHex(fromBase64url(signer.publicKey))).toBe(test.publicKey);
    expect(toHex(await signer.signBytes(message))).toBe(test.signature);
    const input = { publicKey: fromHex(test.publicKey), signature: fromHex(test.signature), message };
    expect(await verifyEd25519(input)).toBe(true);
    expect(await verifyEd25519({ ...input, message: concatBytes(message, Uint8Array.of(0)) })).toBe(false);
  });
});

describe("points", () => {
  itJudges(groupOf(parserCases, "point"));

  it("refuses all fourteen encodings of small order, computed from the curve", () => {
    const encodings = smallOrderEncodings();
    expect(encodings).toHaveLength(14);
    expect(encodings.filter((encoding) => isAcceptablePoint(fromHex(encoding)))).toEqual([]);
  });

  it("refuses y of p and above, whatever the sign", () => {
    for (let low = 0xed; low <= 0xff; low++) {
      for (const top of ["7f", "ff"]) {
        expect(isAcceptablePoint(fromHex(low.toString(16) + "ff".repeat(30) + top))).toBe(false);
      }
    }
  });
});

/** noble's strict verification and our list of encodings: another implementation of the same definition. */
function oracle(input: { publicKey: Uint8Array; signature: Uint8Array; message: Uint8Array }): Promise<boolean> {
  const { publicKey, signature, message } = input;
  return noble.verifyAsync(signature, message, publicKey, { zip215: false }).catch(() => false);
}

describe("agreement with an independent implementation", () => {
  const seed = fc.uint8Array({ minLength: 32, maxLength: 32 });
  const message = fc.uint8Array({ maxLength: 64 }).map((bytes) => new Uint8Array(bytes));

  it("on honest signatures", async () => {
    await fc.assert(
      fc.asyncProperty(seed, message, async (bytes, text) => {
        const signer = await rawSigner(bytes);
        expect(toHex(await noble.getPublicKeyAsync(bytes))).toBe(toHex(fromBase64url(signer.publicKey)));
        const signature = await signer.signBytes(text);
        const input = { publicKey: fromBase64url(signer.publicKey), signature, message: text };
        expect([await verifyEd25519(input), await oracle(input)]).toEqual([true, true]);
      }),
      { numRuns: 50 },
    );
  });

  it("on signatures with any one bit of key, signature or message changed", async () => {
    const signer = await rawSigner(fromHex("11".repeat(32)));
    const text = utf8("a message");
    const honest = concatBytes(fromBase64url(signer.publicKey), await signer.signBytes(text), text);
    await fc.assert(
      fc.asyncProperty(fc.nat(honest.length * 8 - 1), async (bit) => {
        const bent = flipBit(honest, bit);
        const input = { publicKey: bent.slice(0, 32), signature: bent.slice(32, 96), message: bent.slice(96) };
        expect(await verifyEd25519(input)).toBe(await oracle(input));
        expect(await verifyEd25519(input)).toBe(false);
      }),
      { numRuns: 300 },
    );
  });

  it("on arbitrary bytes", async () => {
    const bytes = fc.uint8Array({ minLength: 96, maxLength: 96 });
    await fc.assert(
      fc.asyncProperty(bytes, message, async (random, text) => {
        const input = {
          publicKey: new Uint8Array(random.slice(0, 32)),
          signature: new Uint8Array(random.slice(32)),
          message: text,
        };
        expect(await verifyEd25519(input)).toBe(await oracle(input));
      }),
      { numRuns: 100 },
    );
  });
});

describe("signatures that verifiers disagree about", () => {
  itJudges(signatureCases);
});

describe("lengths", () => {
  it.each([0, 31, 33, 64])("a key of %i bytes is refused", async (length) => {
    const input = {
      publicKey: new Uint8Array(length).fill(0x58),
      signature: new Uint8Array(64).fill(0x58),
      message: new Uint8Array(),
    };
    expect(await verifyEd25519(input)).toBe(false);
  });

  it.each([0, 63, 65, 128])("a signature of %i bytes is refused", async (length) => {
    const input = {
      publicKey: new Uint8Array(32).fill(0x58),
      signature: new Uint8Array(length).fill(0x58),
      message: new Uint8Array(),
    };
    expect(await verifyEd25519(input)).toBe(false);
  });
});
