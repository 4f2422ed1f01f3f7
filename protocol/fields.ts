/** Field types shared by all messages. Closed: what is not described is refused. */
import * as v from "valibot";
import { utf8 } from "./bytes.ts";
import { canonicalTextAs, decodeCanonicalAs, MalformedError, textAsWritten } from "./canonical.ts";
import { MAX_CREDENTIAL_ID_BYTES, MAX_LABEL_CHARACTERS } from "./limits.ts";

/** What the encoder writes: whole groups, and a last one whose unused bits are zero, so that bytes have one spelling. */
const base64urlText = v.pipe(
  v.string(),
  v.regex(/^(?:[A-Za-z0-9_-]{4})*(?:[A-Za-z0-9_-][AQgw]|[A-Za-z0-9_-]{2}[AEIMQUYcgkosw048])?$/),
);

/** base64url of exactly `bytes` bytes. */
export const fixedBytes = (bytes: number) => v.pipe(base64urlText, v.length(Math.ceil((bytes * 4) / 3)));
/** base64url of 1 to `maxBytes` bytes. */
export const someBytes = (maxBytes: number) =>
  v.pipe(base64urlText, v.minLength(2), v.maxLength(Math.ceil((maxBytes * 4) / 3)));

export const version = v.literal(1);
export const digest = fixedBytes(32);
export const nonce = fixedBytes(32);
export const publicKey = fixedBytes(32);
export const signature = fixedBytes(64);
export const credentialId = someBytes(MAX_CREDENTIAL_ID_BYTES);
/** Whole seconds since 1970, up to the year 9999. */
export const seconds = v.pipe(v.number(), v.safeInteger(), v.minValue(0), v.maxValue(253_402_300_799));
/** Milliseconds since 1970: ledger time only, where order within a second is worth reading. */
export const milliseconds = v.pipe(v.number(), v.safeInteger(), v.minValue(0), v.maxValue(253_402_300_799_999));
export const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
/** Ids of people, hosts, roles: made by us, never a name. */
export const id = v.pipe(v.string(), v.regex(/^[a-z][a-z0-9-]{1,47}$/));
/** The gateway's own boot id, bounded: a claim by a hostile program. */
export const gatewayBootId = v.pipe(v.string(), v.regex(/^[0-9A-Za-z-]{8,64}$/));
/** A host's own short name for a thing of its gateway: a keyed hash, so that what it is called stays on the host. */
export const tag = v.pipe(v.string(), v.regex(/^[a-z]{1,3}-[0-9a-f]{16}$/));
/** `name@version` of the operation table, or of the table of reads. */
export const operationName = v.pipe(v.string(), v.regex(/^[a-z][a-z.-]{1,40}@[1-9][0-9]?$/));
/** A label shown to people; deceptive characters were already refused by the decoder. */
export const label = v.pipe(v.string(), v.minLength(1), v.maxLength(MAX_LABEL_CHARACTERS), v.regex(/^\S(.*\S)?$/u));
/** Serialised origin, no path: https://name[:port], or http://*.localhost:port for the local signer. */
export const origin = v.pipe(
  v.string(),
  v.maxLength(255),
  v.regex(/^(https:\/\/[a-z0-9.-]+(:\d{1,5})?|http:\/\/([a-z0-9-]+\.)*localhost(:\d{1,5})?)$/),
);
export const rpId = v.pipe(v.string(), v.maxLength(253), v.regex(/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/));
/** X.509 certificate fingerprint, SHA-256, lower-case hex. */
export const fingerprint = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));

export const trustHead = v.strictObject({ n: count, hash: digest, revoked: digest });
export type TrustHead = v.InferOutput<typeof trustHead>;

/** A type, its encoder and its parser, from one schema. */
export interface Codec<T> {
  encode(value: T): Uint8Array<ArrayBuffer>;
  /** The text of what the schema makes of it: cheaper, for a value that nobody else wrote. @throws {MalformedError} */
  text(value: T): string;
  /** @throws {MalformedError} */
  decode(bytes: Uint8Array): T;
  /** For values that are already JSON, e.g. nested in a decoded message. @throws {MalformedError} */
  check(value: unknown): T;
}

export function codec<S extends v.GenericSchema>(schema: S): Codec<v.InferOutput<S>> {
  function read(value: unknown): v.InferOutput<S> {
    const result = v.safeParse(schema, value, { abortEarly: true });
    if (!result.success) throw new MalformedError(`schema: ${v.getDotPath(result.issues[0]) ?? "top level"}`);
    return result.output;
  }
  function checked(value: unknown): { readonly output: v.InferOutput<S>; readonly text: string } {
    const output = read(value);
    const text = textAsWritten(value, output);
    if (text === undefined) throw new MalformedError("schema: not read as written");
    return { output, text };
  }
  return {
    encode: (value) => utf8(checked(value).text),
    text: (value) => canonicalTextAs(value, read),
    decode: (bytes) => decodeCanonicalAs(bytes, read),
    check: (value) => checked(value).output,
  };
}
