/**
 * The statements of the trust log: who may do what, and whose keys count. The root is statement 0 and its digest
 * is the workspace id for ever. A chain statement is valid only directly after its `prev`.
 */
import * as v from "valibot";
import {
  codec,
  credentialId,
  digest,
  id,
  label,
  origin,
  publicKey,
  rpId,
  seconds,
  someBytes,
  signature,
  version,
} from "../fields.ts";
import { assertedSchema } from "../messages.ts";
import { MAX_SESSION_SECONDS } from "../limits.ts";
import { permissions } from "../roles.ts";

export const credentialSchema = v.strictObject({
  credentialId,
  /** SPKI DER for ES256 and RS256 (an RSA-4096 key is 550 bytes), raw 32 bytes for Ed25519. */
  publicKey: someBytes(1_024),
  alg: v.picklist(["ES256", "RS256", "Ed25519"]),
  rpId,
  backupEligible: v.boolean(),
});
export type CredentialBody = v.InferOutput<typeof credentialSchema>;

const roleSchema = v.strictObject({
  id,
  permissions: v.pipe(v.array(v.picklist(permissions)), v.maxLength(permissions.length)),
  hosts: v.pipe(v.array(id), v.minLength(1), v.maxLength(64)),
  sessionSeconds: v.pipe(seconds, v.minValue(60), v.maxValue(MAX_SESSION_SECONDS)),
});

/** `name` is a commitment: digest({field, salt, value}); the value lives where it can be erased. */
const personSchema = v.strictObject({ id, name: digest });

const originSchema = v.strictObject({ origin, rpId, class: v.picklist(["signer", "daily"]) });

const rootSchema = v.strictObject({
  v: version,
  setupKey: publicKey,
  person: personSchema,
  credentials: v.pipe(v.array(credentialSchema), v.minLength(1), v.maxLength(4)),
  origins: v.pipe(v.array(originSchema), v.minLength(1), v.maxLength(8)),
  roles: v.pipe(v.array(roleSchema), v.minLength(1), v.maxLength(16)),
  dispatchKey: publicKey,
  ledgerKey: publicKey,
  /** Two-person policies; none in this version. */
  policies: v.pipe(v.array(id), v.maxLength(0)),
  at: seconds,
});
export type Root = v.InferOutput<typeof rootSchema>;
export const rootCodec = codec(rootSchema);

const hostSchema = v.strictObject({
  host: id,
  hostKey: publicKey,
  cosignKey: publicKey,
  label,
  /** True when this host also runs the edge: its witness proves nothing against the edge. */
  colocated: v.boolean(),
});
export type HostBody = v.InferOutput<typeof hostSchema>;

const common = {
  v: version,
  workspace: digest,
  prev: v.strictObject({ n: seconds, hash: digest }),
  revoked: digest,
  at: seconds,
};

const statementSchema = v.variant("kind", [
  v.strictObject({
    ...common,
    kind: v.literal("person.add"),
    body: v.strictObject({ ...personSchema.entries, roles: v.pipe(v.array(id), v.maxLength(16)) }),
  }),
  v.strictObject({
    ...common,
    kind: v.literal("credential.add"),
    body: v.strictObject({ person: id, ...credentialSchema.entries }),
  }),
  v.strictObject({
    ...common,
    kind: v.literal("role.assign"),
    body: v.strictObject({ person: id, roles: v.pipe(v.array(id), v.maxLength(16)) }),
  }),
  v.strictObject({ ...common, kind: v.literal("host.admit"), body: hostSchema }),
  v.strictObject({ ...common, kind: v.literal("host.remove"), body: v.strictObject({ host: id }) }),
]);
export type Statement = v.InferOutput<typeof statementSchema>;
export type StatementKind = Statement["kind"];
export const statementCodec = codec(statementSchema);

/** A statement with the touches that approve it. */
export const signedStatementSchema = v.strictObject({
  statement: someBytes(16_384),
  approvals: v.pipe(v.array(assertedSchema), v.minLength(1), v.maxLength(8)),
});
export type SignedStatement = v.InferOutput<typeof signedStatementSchema>;
export const signedStatementCodec = codec(signedStatementSchema);

/** The root with its two signatures: the setup key's, and the first sign-in, whose session names the root. */
export const signedRootSchema = v.strictObject({
  root: someBytes(16_384),
  setupSignature: signature,
  session: assertedSchema,
});
export type SignedRoot = v.InferOutput<typeof signedRootSchema>;
export const signedRootCodec = codec(signedRootSchema);

/** A trust log in transit: the root (when asked from the start) and statements after a place. */
export const trustPageSchema = v.strictObject({
  root: v.optional(signedRootSchema),
  statements: v.pipe(v.array(signedStatementSchema), v.maxLength(64)),
});
export type TrustPage = v.InferOutput<typeof trustPageSchema>;
export const trustPageCodec = codec(trustPageSchema);
