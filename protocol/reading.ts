/** The messages of a read: the question, signed by a session key, and the parts of its answer, signed by the host. */
import * as v from "valibot";
import { codec, count, digest, id, nonce, operationName, publicKey, seconds, trustHead, version } from "./fields.ts";
import { MAX_READING_PARTS } from "./limits.ts";

const readSchema = v.strictObject({
  v: version,
  workspace: digest,
  host: id,
  /** Digest of the session whose key signs. */
  session: digest,
  operation: operationName,
  args: v.record(v.string(), v.unknown()),
  /** X25519, made for this read alone. */
  replyKey: publicKey,
  trustHead,
  /** The host's time, from its latest signed answer; before there is one, the edge's. */
  iat: seconds,
  jti: nonce,
});
export type ReadMessage = v.InferOutput<typeof readSchema>;
export const readCodec = codec(readSchema);

/** Why a host that knows who asks does not answer. `clock`: ask again with the `now` of this refusal. */
export const readRefusals = [
  "clock",
  "repeated",
  "operation",
  "arguments",
  "role",
  "host_scope",
  "grant",
  "local_policy",
  "busy",
  "gateway", // it does not answer, or not as expected
  "not_found", // what the arguments name is not there any more
  "unsupported", // this version of the gateway cannot
  "too_large",
] as const;
export type ReadRefusal = (typeof readRefusals)[number];

const readingSchema = v.strictObject({
  v: version,
  workspace: digest,
  host: id,
  /** Digest of the read. */
  request: digest,
  part: v.pipe(count, v.maxValue(MAX_READING_PARTS - 1)),
  final: v.boolean(),
  /** SHA-256 of this part's ciphertext; absent with a refusal. */
  content: v.optional(digest),
  code: v.optional(v.picklist(readRefusals)),
  now: seconds,
  trustHead,
});
export type Reading = v.InferOutput<typeof readingSchema>;
export const readingCodec = codec(readingSchema);
