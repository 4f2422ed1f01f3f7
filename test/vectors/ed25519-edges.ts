/**
 * Builds Ed25519 signatures that verifiers disagree about: keys and nonces with a part of small order, encodings
 * that are not canonical, scalars out of range. The verdict follows from the group law (cofactorless equation, both
 * points outside the small subgroup and canonically written), computed here with big integers only.
 */
import { Point } from "@noble/ed25519";
import { sha512 } from "@noble/hashes/sha2.js";
import { concatBytes, fromHex, toHex, utf8 } from "../../protocol/bytes.ts";
import { seedOf } from "../fixtures/keys.ts";
import type { SignatureVector } from "./verdicts.ts";

const ORDER = Point.CURVE().n;

function littleEndian(bytes: Uint8Array): bigint {
  return bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
}

function scalarBytes(scalar: bigint): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length: 32 }, (_, i) => Number((scalar >> BigInt(8 * i)) & 0xffn));
}

function modulo(value: bigint): bigint {
  return ((value % ORDER) + ORDER) % ORDER;
}

function scalarOf(name: string): bigint {
  return modulo(littleEndian(seedOf(name)));
}

/** A generator of the points of small order, and its eight multiples. */
const GENERATOR = Point.fromHex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a", true);
const SMALL: readonly Point[] = Array.from({ length: 8 }, (_, i) => multiple(GENERATOR, i));

function multiple(point: Point, times: number): Point {
  return Array.from({ length: times }).reduce<Point>((sum) => sum.add(point), Point.ZERO);
}

/** The eight points of small order in all their encodings: canonical, y + p where it fits, the sign of x = 0 set. */
export function smallOrderEncodings(): readonly string[] {
  const p = Point.CURVE().p;
  const encodings = new Set<string>();
  for (const point of SMALL) {
    const { x, y } = point.toAffine();
    for (const written of [y, y + p].filter((value) => value < 1n << 255n)) {
      for (const sign of x === 0n ? [0n, 1n] : [x & 1n]) {
        encodings.add(toHex(scalarBytes(written | (sign << 255n))));
      }
    }
  }
  return [...encodings].sort();
}

function challengeOf(parts: { readonly r: Uint8Array; readonly a: Uint8Array; readonly message: Uint8Array }): bigint {
  return modulo(littleEndian(sha512(concatBytes(parts.r, parts.a, parts.message))));
}

interface Recipe {
  /** Secret scalars; zero leaves only the part of small order. */
  readonly secret: bigint;
  readonly nonce: bigint;
  readonly keyPart: number;
  readonly noncePart: number;
}

function mixed(name: string, { secret, nonce, keyPart, noncePart }: Recipe): SignatureVector {
  const point = (scalar: bigint, part: number): Point => {
    const torsion = SMALL[part] ?? Point.ZERO;
    return scalar === 0n ? torsion : Point.BASE.multiply(scalar).add(torsion);
  };
  const a = point(secret, keyPart).toBytes();
  const r = point(nonce, noncePart).toBytes();
  const message = utf8(name);
  const h = challengeOf({ r, a, message });
  const s = modulo(nonce + h * secret);
  // S·B = R + h·A holds exactly when the parts of small order cancel.
  const cancels = (BigInt(noncePart) + h * BigInt(keyPart)) % 8n === 0n;
  const ok = cancels && secret !== 0n && nonce !== 0n;
  return {
    name,
    publicKey: toHex(a),
    signature: toHex(concatBytes(r, scalarBytes(s))),
    message: toHex(message),
    expected: ok ? "ok" : "refused",
  };
}

/** Signatures whose only flaw is how something is written. */
function written(): readonly SignatureVector[] {
  const secret = scalarOf("secret");
  const nonce = scalarOf("nonce");
  const honest = mixed("honest", { secret, nonce, keyPart: 0, noncePart: 0 });
  const r = honest.signature.slice(0, 64);
  const s = littleEndian(fromHex(honest.signature.slice(64)));
  const withScalar = (name: string, scalar: bigint): SignatureVector => ({
    ...honest,
    name,
    signature: r + toHex(scalarBytes(scalar)),
    expected: "refused",
  });
  return [
    honest,
    withScalar("S plus the order", s + ORDER),
    withScalar("S plus eight times the order", s + 8n * ORDER),
    withScalar("S with its highest bit set", s | (1n << 255n)),
    withScalar("S negated", ORDER - s),
    withScalar("S is zero", 0n),
    { ...honest, name: "R negated", signature: flipTop(r) + honest.signature.slice(64), expected: "refused" },
    { ...honest, name: "A negated", publicKey: flipTop(honest.publicKey), expected: "refused" },
    { ...honest, name: "a byte too many", signature: `${honest.signature}00`, expected: "refused" },
    { ...honest, name: "a byte too few", signature: honest.signature.slice(0, -2), expected: "refused" },
    { ...honest, name: "key not on the curve", publicKey: "02".padEnd(64, "0"), expected: "refused" },
  ];
}

function flipTop(hex: string): string {
  const bytes = fromHex(hex);
  bytes[31] = (bytes[31] ?? 0) ^ 0x80;
  return toHex(bytes);
}

/** Everybody could write these: with A or R of small order the equation holds without a secret. */
function withoutSecret(): readonly SignatureVector[] {
  const base = Point.BASE.toHex();
  const one = toHex(scalarBytes(1n));
  const zero = toHex(scalarBytes(0n));
  return smallOrderEncodings().flatMap((encoding) => [
    { name: `small A ${encoding}`, publicKey: encoding, signature: base + one, message: "61", expected: "refused" },
    { name: `small R ${encoding}`, publicKey: base, signature: encoding + zero, message: "61", expected: "refused" },
    {
      name: `small A and R ${encoding}`,
      publicKey: encoding,
      signature: encoding + zero,
      message: "61",
      expected: "refused",
    },
  ]);
}

export function edgeSignatures(): readonly SignatureVector[] {
  const parts = [0, 1, 2, 3, 4, 5, 6, 7];
  const mixtures = parts.flatMap((keyPart) =>
    parts.flatMap((noncePart) => [
      mixed(`mixed key ${keyPart}, mixed nonce ${noncePart}`, {
        secret: scalarOf(`secret ${keyPart}`),
        nonce: scalarOf(`nonce ${noncePart}`),
        keyPart,
        noncePart,
      }),
    ]),
  );
  // Messages are tried until the parts cancel, so that acceptance is covered for every mixed key.
  const cancelling = parts.slice(1).map((keyPart) => firstAccepted(keyPart));
  return [...written(), ...withoutSecret(), ...mixtures, ...cancelling];
}

function firstAccepted(keyPart: number): SignatureVector {
  for (let attempt = 0; attempt < 1_000; attempt++) {
    const recipe = { secret: scalarOf(`secret ${keyPart}`), nonce: scalarOf("nonce"), keyPart, noncePart: 0 };
    const vector = mixed(`mixed key ${keyPart}, parts cancel (${attempt})`, recipe);
    if (vector.expected === "ok") return vector;
  }
  throw new TypeError("no message found");
}
