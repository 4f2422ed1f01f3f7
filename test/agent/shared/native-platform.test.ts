import { generateKeyPairSync, sign, type KeyObject } from "node:crypto";
import { build } from "esbuild";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { agentBundle, hostProgramBundle, postureBundle } from "../../../agent/agent-bundle.ts";
import * as native from "../../../agent/shared/native-platform.ts";
import { concatBytes, fromHex } from "../../../protocol/bytes.ts";
import * as portable from "../../../protocol/platform.ts";
import { smallOrderEncodings } from "../../vectors/ed25519-edges.ts";

type Input = portable.VerificationInput;
const message = Uint8Array.from({ length: 80 }, (_, i) => i);

const own = (bytes: Uint8Array): Uint8Array<ArrayBuffer> => new Uint8Array(bytes);
const spki = (key: KeyObject) => own(key.export({ format: "der", type: "spki" }));

const ed = generateKeyPairSync("ed25519");
const p256 = generateKeyPairSync("ec", { namedCurve: "P-256" });
const p384 = generateKeyPairSync("ec", { namedCurve: "P-384" });
const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
const short = generateKeyPairSync("rsa", { modulusLength: 1024 });
const pss = generateKeyPairSync("rsa-pss", { modulusLength: 2048 });

const ecdsa = { dsaEncoding: "ieee-p1363" } as const;
const good = {
  Ed25519: {
    algorithm: "Ed25519",
    publicKey: spki(ed.publicKey).subarray(12),
    signature: own(sign(null, message, ed.privateKey)),
    message,
  },
  ES256: {
    algorithm: "ES256",
    publicKey: spki(p256.publicKey),
    signature: own(sign("sha256", message, { key: p256.privateKey, ...ecdsa })),
    message,
  },
  RS256: {
    algorithm: "RS256",
    publicKey: spki(rsa.publicKey),
    signature: own(sign("sha256", message, rsa.privateKey)),
    message,
  },
} as const satisfies Record<portable.SignatureAlgorithm, Input>;

/** Both give one verdict, and it is `expected`. */
async function both(input: Input, expected?: boolean): Promise<boolean> {
  const [here, there] = await Promise.all([native.verifyNatively(input), portable.verifyNatively(input)]);
  expect(here).toBe(there);
  if (expected !== undefined) expect(here).toBe(expected);
  return here;
}

/** The group's order, little-endian: S + L is the same scalar in another spelling. */
const ORDER = fromHex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
function otherSpelling(signature: Uint8Array): Uint8Array<ArrayBuffer> {
  const result = own(signature);
  let carry = 0;
  for (const [i, byte] of ORDER.entries()) {
    const sum = (signature[32 + i] ?? 0) + byte + carry;
    result[32 + i] = sum & 0xff;
    carry = sum >> 8;
  }
  return result;
}

describe("signature checks of the agent's own program", () => {
  it("have everything that the protocol's have", () => {
    expect(Object.keys(native).toSorted()).toEqual(Object.keys(portable).toSorted());
  });

  it.each(Object.values(good))("$algorithm: a good one counts", async (input) => {
    await both(input, true);
  });

  it.each(Object.values(good))("$algorithm: any other bit and it does not", async (input) => {
    const part = fc.constantFrom("signature", "message", "publicKey");
    await fc.assert(
      fc.asyncProperty(part, fc.nat(), async (name, at) => {
        const changed = own(input[name]);
        const bit = at % (changed.length * 8);
        changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        await both({ ...input, [name]: changed });
        if (name !== "publicKey") await both({ ...input, [name]: changed }, false);
      }),
    );
  });

  it.each(Object.values(good))("$algorithm: a signature of another length is none", async (input) => {
    const { signature } = input;
    await both({ ...input, signature: signature.subarray(1) }, false);
    await both({ ...input, signature: concatBytes(signature, Uint8Array.of(0)) }, false);
    await both({ ...input, signature: new Uint8Array() }, false);
  });

  it("a scalar above the order is refused", async () => {
    const { Ed25519 } = good;
    await both({ ...Ed25519, signature: otherSpelling(Ed25519.signature) }, false);
  });

  it("points of small order get one verdict, whichever it is", async () => {
    for (const encoding of smallOrderEncodings()) {
      const point = fromHex(encoding);
      const signature = concatBytes(point, new Uint8Array(32));
      await both({ algorithm: "Ed25519", publicKey: point, signature, message });
    }
  });

  it("ECDSA as DER, and numbers out of range, are refused", async () => {
    const { ES256 } = good;
    await both({ ...ES256, signature: own(sign("sha256", message, p256.privateKey)) }, false);
    await both({ ...ES256, signature: new Uint8Array(64) }, false);
    await both({ ...ES256, signature: new Uint8Array(64).fill(0xff) }, false);
  });

  it.each([
    ["a key of another curve", "ES256", spki(p384.publicKey)],
    ["an Ed25519 key for ECDSA", "ES256", spki(ed.publicKey)],
    ["an RSA key for ECDSA", "ES256", spki(rsa.publicKey)],
    ["a P-256 key for RSA", "RS256", spki(p256.publicKey)],
    ["a key for RSA-PSS alone", "RS256", spki(pss.publicKey)],
    ["an RSA key that is too short", "RS256", spki(short.publicKey)],
    ["a whole SubjectPublicKeyInfo as raw bytes", "Ed25519", spki(ed.publicKey)],
    ["a byte too few", "Ed25519", good.Ed25519.publicKey.subarray(1)],
    ["nothing", "Ed25519", new Uint8Array()],
    ["nothing", "ES256", new Uint8Array()],
  ] as const)("%s is no key of %s", async (_, algorithm, publicKey) => {
    expect(await native.importPublicKey({ algorithm, publicKey })).toBeUndefined();
    expect(await portable.importPublicKey({ algorithm, publicKey })).toBeUndefined();
  });

  it("says how long an RSA key is, and takes no key that it did not import", async () => {
    const key = await native.importPublicKey(good.RS256);
    expect(key?.algorithm.modulusLength).toBe(2048);
    expect(() => native.verifyWith({ algorithm: {} }, good.RS256)).toThrow(TypeError);
  });
});

describe("what ships", () => {
  it.each([
    ["the agent", agentBundle],
    ["the installed program", hostProgramBundle],
    ["the program that looks at the machine", postureBundle],
  ])("%s has Node's own in the place of the protocol's", async (_, bundle) => {
    const { metafile } = await build({ ...bundle("unwritten"), write: false, metafile: true });
    const files = Object.values(metafile.outputs).flatMap(({ inputs }) =>
      Object.entries(inputs).flatMap(([file, { bytesInOutput }]) => (bytesInOutput > 0 ? [file] : [])),
    );
    expect(files).toContain("agent/shared/native-bytes.ts");
    expect(files).toContain("agent/shared/native-platform.ts");
  });
});
