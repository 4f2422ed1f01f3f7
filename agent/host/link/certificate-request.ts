/**
 * Makes the host's TLS key and the request for its client certificate (PKCS#10, RFC 2986). Three fixed structures around
 * what OpenSSL writes: an ASN.1 library would cost a running agent more memory, for as long as it lives, than this costs
 * lines. Reads no file and writes none.
 */
import { generateKeyPair, sign } from "node:crypto";
import { promisify } from "node:util";

export interface CertificateRequest {
  /** PEM, PKCS#8. */
  readonly key: string;
  /** Its public half: SubjectPublicKeyInfo, DER. */
  readonly publicKey: Uint8Array;
  /** PKCS#10, DER. */
  readonly csr: Uint8Array;
}

/** DER tags (X.690). */
const INTEGER = 0x02;
const BIT_STRING = 0x03;
const OBJECT_IDENTIFIER = 0x06;
const UTF8_STRING = 0x0c;
const SEQUENCE = 0x30;
const SET = 0x31;
/** [0], constructed: the attributes of a request, of which there are none. */
const NO_ATTRIBUTES = Buffer.from([0xa0, 0x00]);
const VERSION_1 = tlv(INTEGER, Buffer.from([0]));
/** 2.5.4.3 */
const COMMON_NAME = tlv(OBJECT_IDENTIFIER, Buffer.from("550403", "hex"));
/** 1.2.840.10045.4.3.2 */
const ECDSA_WITH_SHA256 = tlv(SEQUENCE, tlv(OBJECT_IDENTIFIER, Buffer.from("2a8648ce3d040302", "hex")));

/** A key that is new each time, and a request that proves it. P-256 is taken by every edge, Cloudflare's checks included. */
export async function makeCertificateRequest(host: string): Promise<CertificateRequest> {
  const { publicKey, privateKey } = await promisify(generateKeyPair)("ec", { namedCurve: "P-256" });
  const name = tlv(SEQUENCE, tlv(SET, tlv(SEQUENCE, COMMON_NAME, tlv(UTF8_STRING, Buffer.from(host, "utf8")))));
  const subjectKey = publicKey.export({ type: "spki", format: "der" });
  const asked = tlv(SEQUENCE, VERSION_1, name, subjectKey, NO_ATTRIBUTES);
  const signature = tlv(BIT_STRING, Buffer.from([0]), sign("sha256", asked, privateKey));
  return {
    key: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    publicKey: new Uint8Array(subjectKey),
    csr: new Uint8Array(tlv(SEQUENCE, asked, ECDSA_WITH_SHA256, signature)),
  };
}

function tlv(tag: number, ...contents: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(contents);
  return Buffer.concat([Buffer.from([tag, ...lengthOf(content.length)]), content]);
}

/** Short form below 128, then the number of bytes that follow. Nothing here is longer than a request. */
function lengthOf(length: number): readonly number[] {
  if (length < 0x80) return [length];
  return length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
}
