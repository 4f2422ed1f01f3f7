/**
 * What a host needs to join: where the edge is, whom it may believe, and a single-use token. Travels from the
 * person's machine to the host by stdin or a file, never through the edge and never in argv.
 */
import * as v from "valibot";
import { codec, digest, nonce, version } from "./fields.ts";

export const joinFileSchema = v.strictObject({
  v: version,
  /** wss://host:port of the agents' listener. */
  edge: v.pipe(v.string(), v.maxLength(255), v.regex(/^wss:\/\/[A-Za-z0-9.:[\]-]+$/)),
  workspace: digest,
  token: nonce,
  /** SHA-256 fingerprints of the edge's own CA, lower-case hex; absent where a public CA is used. */
  edgeCa: v.optional(v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/))),
});
export type JoinFile = v.InferOutput<typeof joinFileSchema>;
export const joinFileCodec = codec(joinFileSchema);
