/**
 * ECDSA-Sig-Value (RFC 3279, section 2.2.3) in strict DER to raw r || s. Lax decoders accept several encodings
 * of one signature; ours accepts one.
 */

const SCALAR_BYTES = 32;

/** 64 bytes, or undefined when the input is not strict DER of two positive integers of at most 32 bytes. */
export function ecdsaDerToRaw(der: Uint8Array): Uint8Array<ArrayBuffer> | undefined {
  // A P-256 signature is under 128 bytes, so DER demands the short length form.
  if (der[0] !== 0x30 || der[1] === undefined || der[1] > 0x7f || der[1] !== der.length - 2) return undefined;
  const r = readInteger(der, 2);
  if (r === undefined) return undefined;
  const s = readInteger(der, r.end);
  if (s === undefined || s.end !== der.length) return undefined;
  const raw = new Uint8Array(2 * SCALAR_BYTES);
  raw.set(r.magnitude, SCALAR_BYTES - r.magnitude.length);
  raw.set(s.magnitude, 2 * SCALAR_BYTES - s.magnitude.length);
  return raw;
}

interface DerInteger {
  readonly magnitude: Uint8Array;
  readonly end: number;
}

function readInteger(der: Uint8Array, at: number): DerInteger | undefined {
  const length = der[at + 1];
  if (der[at] !== 0x02 || length === undefined || length < 1 || length > SCALAR_BYTES + 1) return undefined;
  const end = at + 2 + length;
  if (end > der.length) return undefined;
  const content = der.subarray(at + 2, end);
  const first = content[0] ?? 0;
  if (first >= 0x80) return undefined; // negative
  if (first !== 0) return content.length > SCALAR_BYTES ? undefined : { magnitude: content, end };
  // A leading zero is allowed only to keep the next byte from reading as a sign.
  if (content.length === 1 || (content[1] ?? 0) < 0x80) return undefined;
  return { magnitude: content.subarray(1), end };
}
