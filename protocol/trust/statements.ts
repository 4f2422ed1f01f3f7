/**
 * The statements of the trust log: who may do what, and whose keys count. The root is statement 0 and its digest
 * is the workspace id for ever. A chain statement is valid only directly after its `prev`; a revocation stands outside
 * the chain, and its `prev` names the head that its author knew.
 */
import * as v from "valibot";
import {
  codec,
  count,
  credentialId,
  digest,
  id,
  label,
  operationName,
  origin,
  publicKey,
  rpId,
  seconds,
  signature,
  someBytes,
  version,
} from "../fields.ts";
import { assertedSchema } from "../messages.ts";
import {
  MAX_APPROVALS,
  MAX_EXCEPTED_PEOPLE,
  MAX_HOSTS_IN_SCOPE,
  MAX_KNEW,
  MAX_PEOPLE,
  MAX_SESSION_SECONDS,
} from "../limits.ts";
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

const roleIds = v.pipe(v.array(id), v.maxLength(16));
/** A label, or the beginning of labels: `prod-*`. */
const labelPattern = v.pipe(label, v.regex(/^[^*]*\*?$/));
const hosts = v.pipe(v.array(id), v.maxLength(MAX_HOSTS_IN_SCOPE));
const labels = v.optional(v.pipe(v.array(labelPattern), v.minLength(1), v.maxLength(16)));

const roleSchema = v.strictObject({
  id,
  permissions: v.pipe(v.array(v.picklist(permissions)), v.maxLength(permissions.length)),
  hosts,
  labels,
  sessionSeconds: v.pipe(seconds, v.minValue(60), v.maxValue(MAX_SESSION_SECONDS)),
});

/** `name` is a commitment: digest({field, salt, value}); the value lives where it can be erased. */
const personSchema = v.strictObject({ id, name: digest });

const originSchema = v.strictObject({ origin, rpId, class: v.picklist(["signer", "daily"]) });

/** The operation that a policy may let people approve where the edge serves the page. */
export const EXEC_ONCE = "exec.allow-once@1";

/** How many people a matching operation needs; the largest that matches counts. One person: the policy is void. */
const policySchema = v.pipe(
  v.strictObject({
    id,
    /** Operation names, or the single entry "all". */
    operations: v.pipe(v.array(v.union([operationName, v.literal("all")])), v.minLength(1), v.maxLength(64)),
    hosts,
    labels,
    people: v.pipe(count, v.minValue(1), v.maxValue(MAX_PEOPLE)),
    /**
     * The one exception from "critical only in the signer": these people may allow a command once on any listed page. One
     * touch of theirs on a hostile page can then run one command as the gateway's user.
     */
    execOnceFrom: v.optional(
      v.strictObject({
        class: v.literal("daily"),
        people: v.pipe(v.array(id), v.minLength(1), v.maxLength(MAX_EXCEPTED_PEOPLE)),
      }),
    ),
  }),
  v.check(
    ({ execOnceFrom, operations, people }) =>
      execOnceFrom === undefined || (people === 1 && operations.length === 1 && operations[0] === EXEC_ONCE),
    "an exception stands alone",
  ),
);
export type Policy = v.InferOutput<typeof policySchema>;

const rootSchema = v.strictObject({
  v: version,
  setupKey: publicKey,
  person: personSchema,
  credentials: v.pipe(v.array(credentialSchema), v.minLength(1), v.maxLength(4)),
  origins: v.pipe(v.array(originSchema), v.minLength(1), v.maxLength(8)),
  roles: v.pipe(v.array(roleSchema), v.minLength(1), v.maxLength(16)),
  dispatchKey: publicKey,
  ledgerKey: publicKey,
  /** A first person alone cannot satisfy a rule for two: rules come later, by `policy.set`. */
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

/** Which values an argument may have; an argument that is not named may have any that the operation takes. */
const argumentLimit = v.strictObject({
  argument: v.pipe(v.string(), v.regex(/^[a-z][A-Za-z0-9]{0,31}$/)),
  values: v.pipe(
    v.array(v.union([v.pipe(v.string(), v.maxLength(128)), v.boolean(), v.pipe(v.number(), v.safeInteger())])),
    v.minLength(1),
    v.maxLength(16),
  ),
});

const automationKeySchema = v.strictObject({
  id,
  publicKey,
  label,
  operations: v.pipe(
    v.array(v.strictObject({ operation: operationName, limits: v.pipe(v.array(argumentLimit), v.maxLength(8)) })),
    v.minLength(1),
    v.maxLength(16),
  ),
  hosts,
  labels,
  /** At most so many executed commands on each host within so many seconds. */
  rate: v.strictObject({
    commands: v.pipe(count, v.minValue(1), v.maxValue(1_000)),
    seconds: v.pipe(count, v.minValue(1), v.maxValue(86_400)),
  }),
  until: seconds,
});
export type AutomationKey = v.InferOutput<typeof automationKeySchema>;

const common = {
  v: version,
  workspace: digest,
  prev: v.strictObject({ n: seconds, hash: digest }),
  revoked: digest,
  at: seconds,
};

function kind<K extends string, B extends v.GenericSchema>(name: K, body: B) {
  return v.strictObject({ ...common, kind: v.literal(name), body });
}

const chainSchemas = [
  kind(
    "person.add",
    v.strictObject({
      ...personSchema.entries,
      roles: roleIds,
      /** End of the roles; absent: as late as allowed. */
      until: v.optional(seconds),
      credentials: v.optional(v.pipe(v.array(credentialSchema), v.minLength(1), v.maxLength(4))),
    }),
  ),
  kind("credential.add", v.strictObject({ person: id, ...credentialSchema.entries })),
  kind("role.define", roleSchema),
  kind("role.assign", v.strictObject({ person: id, roles: roleIds, until: v.optional(seconds) })),
  kind("host.admit", hostSchema),
  kind("host.remove", v.strictObject({ host: id })),
  kind("automation-key.add", automationKeySchema),
  kind("origin.add", originSchema),
  kind("dispatch-key.rotate", v.strictObject({ key: publicKey })),
  kind("ledger-key.rotate", v.strictObject({ key: publicKey })),
  kind("policy.set", policySchema),
  /** `keep` and `drop` name the first statements of the two histories, or of one that somebody revoked wrote. */
  kind("fork.resolve", v.strictObject({ keep: digest, drop: v.optional(digest) })),
  /** Another edge takes over: both of its keys at once. The workspace id never changes. */
  kind("root.rotate", v.strictObject({ dispatchKey: publicKey, ledgerKey: publicKey })),
] as const;

const revocationSchemas = [
  kind("person.revoke", v.strictObject({ person: id })),
  kind("credential.revoke", v.strictObject({ credential: credentialId })),
  /** `grant`: the digest of the statement that gave the roles. */
  kind("role.revoke", v.strictObject({ grant: digest })),
  kind("automation-key.revoke", v.strictObject({ automationKey: id })),
  kind("origin.revoke", v.strictObject({ origin })),
] as const;

const statementSchema = v.variant("kind", [...chainSchemas, ...revocationSchemas]);
export type Statement = v.InferOutput<typeof statementSchema>;
export type StatementKind = Statement["kind"];
export type Revocation = v.InferOutput<(typeof revocationSchemas)[number]>;
export type ChainStatement = v.InferOutput<(typeof chainSchemas)[number]>;
export type ChainKind = ChainStatement["kind"];
export type BodyOf<K extends StatementKind> = Extract<Statement, { kind: K }>["body"];
export const statementCodec = codec(statementSchema);

export const revocationKinds = revocationSchemas.map((schema) => schema.entries.kind.literal);

export function isRevocation(statement: Statement): statement is Revocation {
  return revocationKinds.some((name) => name === statement.kind);
}

/** A statement with the touches that approve it. */
export const signedStatementSchema = v.strictObject({
  statement: someBytes(16_384),
  approvals: v.pipe(v.array(assertedSchema), v.minLength(1), v.maxLength(MAX_APPROVALS)),
  /**
   * Digests of the revocations that this chain statement knew and its predecessor did not. Not signed: the
   * statement's `revoked` proves it.
   */
  knew: v.optional(v.pipe(v.array(digest), v.minLength(1), v.maxLength(MAX_KNEW))),
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

/**
 * A trust log in transit: the root (when asked from the start), then statements in an order in which each can be
 * judged: a revocation directly after the chain statement that its `prev` names.
 */
export const trustPageSchema = v.strictObject({
  root: v.optional(signedRootSchema),
  statements: v.pipe(v.array(signedStatementSchema), v.maxLength(64)),
});
export type TrustPage = v.InferOutput<typeof trustPageSchema>;
export const trustPageCodec = codec(trustPageSchema);
