/** Verdicts on public keys as they would enter the trust log. */
import { concatBytes, fromBase64url, fromHex } from "../../../protocol/bytes.ts";
import type { SignatureAlgorithm } from "../../../protocol/platform.ts";
import { createCredential } from "../../fixtures/authenticator.ts";
import { laxP256, laxRsa } from "../../fixtures/der.ts";
import { once, type RuleCase } from "./cases.ts";

const keys = {
  p256: once(() => keyOf("ES256")),
  rsa2048: once(() => keyOf("RS256", 2048)),
  rsa1024: once(() => keyOf("RS256", 1024)),
  ed25519: once(() => keyOf("Ed25519")),
} as const;

async function keyOf(alg: SignatureAlgorithm, rsaBits = 2048): Promise<Uint8Array> {
  return fromBase64url((await createCredential({ alg, rsaBits })).pinned.publicKey);
}

type Bend = (key: Uint8Array) => Uint8Array;
type Row = readonly [string, string, SignatureAlgorithm, keyof typeof keys, Bend?];

/** The same shape with a modulus of another size: only sizes that authenticators make are taken. */
const resized =
  (bytes: number): Bend =>
  () => {
    const part = (tag: number, content: Uint8Array): Uint8Array =>
      concatBytes(Uint8Array.of(tag, 0x82, content.length >> 8, content.length & 0xff), content);
    const modulus = new Uint8Array(bytes).fill(0xff);
    const key = part(0x30, concatBytes(part(0x02, concatBytes(Uint8Array.of(0), modulus)), fromHex("0203010001")));
    return part(
      0x30,
      concatBytes(fromHex("300d06092a864886f70d0101010500"), part(0x03, concatBytes(Uint8Array.of(0), key))),
    );
  };

const rows: readonly Row[] = [
  ["P-256", "ok", "ES256", "p256"],
  ["RSA-2048", "ok", "RS256", "rsa2048"],
  ["Ed25519", "ok", "Ed25519", "ed25519"],
  ["RSA-3072", "ok", "RS256", "rsa2048", resized(384)],
  ["RSA-4096", "ok", "RS256", "rsa2048", resized(512)],
  ["RSA-1024", "refused", "RS256", "rsa1024"],
  ["RSA-2040", "refused", "RS256", "rsa2048", resized(255)],
  ["RSA-8192", "refused", "RS256", "rsa2048", resized(1_024)],
  ["nothing as P-256", "refused", "ES256", "p256", () => new Uint8Array()],
  ["nothing as RSA", "refused", "RS256", "rsa2048", () => new Uint8Array()],
  ["P-256 as RSA", "refused", "RS256", "p256"],
  ["P-256 as Ed25519", "refused", "Ed25519", "p256"],
  ["RSA as P-256", "refused", "ES256", "rsa2048"],
  ["Ed25519 as P-256", "refused", "ES256", "ed25519"],
  [
    "Ed25519 in an envelope of its own",
    "refused",
    "Ed25519",
    "ed25519",
    (key) => concatBytes(fromHex("302a300506032b6570032100"), key),
  ],
  ["Ed25519 of small order", "refused", "Ed25519", "ed25519", () => concatBytes(Uint8Array.of(1), new Uint8Array(31))],
  ["91 bytes that begin otherwise", "refused", "ES256", "p256", (key) => concatBytes(fromHex("3159"), key.subarray(2))],
  ...Object.entries(laxP256).map(([name, bend]): Row => [`P-256, ${name}`, "refused", "ES256", "p256", bend]),
  ...Object.entries(laxRsa).map(([name, bend]): Row => [`RSA, ${name}`, "refused", "RS256", "rsa2048", bend]),
];

export const keyCases: readonly RuleCase[] = rows.map(([name, expected, alg, source, bend]) => ({
  name: `key: ${name}`,
  expected,
  run: async ({ publicKey }) => {
    const key = await keys[source]();
    return publicKey.isAcceptablePublicKey(alg, bend?.(key) ?? key) ? "ok" : "refused";
  },
}));
