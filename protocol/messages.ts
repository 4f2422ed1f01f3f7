/**
 * The messages of a command, from sign-in to receipt. Each is canonical JSON of a closed schema; its bytes are
 * signed or named by a digest under its own type string (signing.ts). DESIGN: docs/PROTOCOL.md, "Messages".
 */
import * as v from "valibot";
import {
  codec,
  count,
  credentialId,
  digest,
  fingerprint,
  gatewayBootId,
  id,
  nonce,
  operationName,
  origin,
  publicKey,
  seconds,
  signature,
  someBytes,
  tag,
  trustHead,
  version,
} from "./fields.ts";
import {
  MAX_APPROVALS,
  MAX_CLIENT_DATA_BYTES,
  MAX_ENVELOPE_BYTES,
  MAX_INTENT_TTL_SECONDS,
  MAX_SEALED_BYTES,
  MAX_SESSIONS_PER_END,
  MAX_TARGETS,
} from "./limits.ts";
import { refusalCodes } from "./refusals.ts";
import { releaseVersion } from "./release-version.ts";

/** A WebAuthn assertion as the browser returned it; bytes in base64url. */
export const assertionSchema = v.strictObject({
  credentialId,
  clientData: someBytes(MAX_CLIENT_DATA_BYTES),
  authenticatorData: someBytes(1_024),
  signature: someBytes(1_024),
});
export type Assertion = v.InferOutput<typeof assertionSchema>;

/** Certifies a session key: the sign-in assertion's challenge is this body's digest. Times are the edge's. */
const sessionSchema = v.strictObject({
  v: version,
  workspace: digest,
  sessionKey: publicKey,
  origin,
  nonce,
  trustHead,
  iat: seconds,
  exp: seconds,
});
export type Session = v.InferOutput<typeof sessionSchema>;
export const sessionCodec = codec(sessionSchema);

/** Who commands: a certified session, or an automation key of the trust log. */
const actorSchema = v.union([v.strictObject({ session: digest }), v.strictObject({ automationKey: id })]);
export type Actor = v.InferOutput<typeof actorSchema>;

/** One text for one actor: a session's digest, or an automation key's id (an id is never 43 characters of base64url). */
export function actorName(actor: Actor): string {
  return "session" in actor ? actor.session : `key:${actor.automationKey}`;
}

const prepareSchema = v.strictObject({
  v: version,
  workspace: digest,
  host: id,
  actor: actorSchema,
  operation: operationName,
  jti: nonce,
});
export type Prepare = v.InferOutput<typeof prepareSchema>;
export const prepareCodec = codec(prepareSchema);

/** What must still be true when the host acts. Per operation, see operations.ts. */
const expectSchema = v.strictObject({
  gatewayBoot: v.optional(gatewayBootId),
  /** Names the gateway's configuration: digest of what it calls its hash. */
  configHash: v.optional(digest),
  /** Digest of the thing that the arguments name, as a reading of this host showed it. */
  subject: v.optional(digest),
});
export type Expect = v.InferOutput<typeof expectSchema>;

/** Facts the page may show beside the button; each is the host's claim at `now`. */
const factsSchema = v.strictObject({
  gatewayBoot: v.optional(gatewayBootId),
  configHash: v.optional(digest),
  activeSessions: v.optional(count),
  /** For an update alone: which release of our own runs here, and since when it was found well. Host wall clock, seconds. */
  agent: v.optional(v.strictObject({ version: releaseVersion, since: v.optional(seconds) })),
});

const preparedSchema = v.strictObject({
  v: version,
  workspace: digest,
  host: id,
  prepare: digest,
  challenge: nonce,
  hostBoot: nonce,
  now: seconds,
  trustHead,
  facts: factsSchema,
  /** X25519, made for this challenge and gone with it; only for an operation that has sealed arguments. */
  sealKey: v.optional(publicKey),
});
export type Prepared = v.InferOutput<typeof preparedSchema>;
export const preparedCodec = codec(preparedSchema);

const targetSchema = v.strictObject({
  host: id,
  challenge: nonce,
  iat: seconds,
  expect: expectSchema,
  /** SHA-256 of the sealed arguments' ciphertext, where the operation has any. */
  sealed: v.pipe(v.array(v.strictObject({ path: v.literal("content"), digest })), v.maxLength(1)),
});
export type Target = v.InferOutput<typeof targetSchema>;

function sortedAndUnique<T extends { readonly host: string }>(targets: T[]): boolean {
  return targets.every((target, i) => i === 0 || (targets[i - 1]?.host ?? "") < target.host);
}

const intentSchema = v.strictObject({
  v: version,
  workspace: digest,
  actor: actorSchema,
  operation: operationName,
  /** Checked against the operation's own schema; never decides the class. */
  args: v.record(v.string(), v.unknown()),
  targets: v.pipe(
    v.array(targetSchema),
    v.minLength(1),
    v.maxLength(MAX_TARGETS),
    v.check(sortedAndUnique, "sorted and unique"),
  ),
  /** Digest of the proposal that this intent carries out, where a rule asks for more than one person. */
  proposal: v.optional(digest),
  trustHead,
  ttl: v.pipe(count, v.minValue(1), v.maxValue(MAX_INTENT_TTL_SECONDS)),
  id: nonce,
});
export type Intent = v.InferOutput<typeof intentSchema>;
export const intentCodec = codec(intentSchema);

/**
 * What the first of several people approves: the intent without all that only the last one can know (challenges,
 * time, session). `exp` is the end of waiting, by each host's clock.
 */
const proposalSchema = v.strictObject({
  v: version,
  workspace: digest,
  operation: operationName,
  args: v.record(v.string(), v.unknown()),
  targets: v.pipe(
    v.array(v.strictObject({ host: id, expect: expectSchema })),
    v.minLength(1),
    v.maxLength(MAX_TARGETS),
    v.check(sortedAndUnique, "sorted and unique"),
  ),
  exp: seconds,
  id: nonce,
});
export type Proposal = v.InferOutput<typeof proposalSchema>;
export const proposalCodec = codec(proposalSchema);

/** The key that follows a session's present one; good until that session ends. */
const successorSchema = v.strictObject({ session: digest, key: publicKey });
export type Successor = v.InferOutput<typeof successorSchema>;

/**
 * What a person's passkey signs: the assertion's challenge is this body's digest. `after` (kind intent) is
 * whole seconds on the page's monotonic clock from building the intent to the press; `at` (other kinds) is the
 * page's wall clock, shown and never judged.
 */
const approvalCommon = { v: version, workspace: digest, subject: digest, decision: v.literal("approve") };
function approvalOf<K extends string>(kind: K) {
  return v.strictObject({ ...approvalCommon, kind: v.literal(kind), at: seconds });
}
const approvalSchema = v.variant("kind", [
  v.strictObject({
    ...approvalCommon,
    kind: v.literal("intent"),
    after: count,
    nextSessionKey: v.optional(successorSchema),
  }),
  approvalOf("proposal"),
  approvalOf("statement"),
  /** Ends somebody else's session (`subject`: the session-end). Any listed page may ask for it. */
  approvalOf("session-end"),
  /** A setting of the edge itself (`subject`: the edge-action). Hosts refuse it. */
  approvalOf("edge-action"),
]);
export type Approval = v.InferOutput<typeof approvalSchema>;
export const approvalCodec = codec(approvalSchema);

/** A signed body beside the assertion over it. */
export const assertedSchema = v.strictObject({ body: someBytes(4_096), assertion: assertionSchema });
export type Asserted = v.InferOutput<typeof assertedSchema>;
export const assertedCodec = codec(assertedSchema);

/** The edge's part: which tunnel it hands the intent to. Signed by the dispatch key at each delivery. */
const dispatchSchema = v.strictObject({
  v: version,
  workspace: digest,
  host: id,
  intent: digest,
  tunnel: nonce,
  certFingerprint: fingerprint,
});
export const dispatchCodec = codec(dispatchSchema);

/**
 * An envelope without its dispatch: what a page, or an automation key's machine, submits. `sessionSignature` is over the
 * intent, by the session key (or its successor), or by the automation key. With an automation key there is no session
 * and no approval.
 */
const submissionSchema = v.strictObject({
  intent: someBytes(MAX_ENVELOPE_BYTES),
  sessionSignature: signature,
  session: v.optional(assertedSchema),
  /** The approval that named the successor key which signed, when it is not the session's first key. */
  successor: v.optional(assertedSchema),
  approvals: v.pipe(v.array(assertedSchema), v.maxLength(MAX_APPROVALS)),
  proposal: v.optional(
    v.strictObject({
      body: someBytes(16_384),
      approvals: v.pipe(v.array(assertedSchema), v.minLength(1), v.maxLength(MAX_APPROVALS)),
    }),
  ),
  /** Ciphertext of the sealed arguments (seal.ts). */
  sealed: v.pipe(v.array(someBytes(MAX_SEALED_BYTES)), v.maxLength(1)),
});
export type Submission = v.InferOutput<typeof submissionSchema>;
export const submissionCodec = codec(submissionSchema);

export const signedSchema = v.strictObject({ body: someBytes(MAX_ENVELOPE_BYTES), signature });
export type Signed = v.InferOutput<typeof signedSchema>;

const envelopeSchema = v.strictObject({ ...submissionSchema.entries, dispatch: signedSchema });
export type Envelope = v.InferOutput<typeof envelopeSchema>;
export const envelopeCodec = codec(envelopeSchema);

/** `interrupted`: found started at process start; never run again, says what is observed now. */
export const verdicts = ["executed", "failed", "refused", "interrupted"] as const;
export type Verdict = (typeof verdicts)[number];

/** What the host saw, in numbers and ids; content never travels in a receipt. */
const observedSchema = v.strictObject({
  gatewayBootBefore: v.optional(gatewayBootId),
  gatewayBootAfter: v.optional(gatewayBootId),
  configBefore: v.optional(digest),
  configAfter: v.optional(digest),
  /** What came into being: a job, an agent, a version of the configuration. */
  made: v.optional(tag),
  /** The number of the version that was kept or put back. */
  version: v.optional(count),
  /** How many things changed: devices that lost their access, settings of a lockdown. */
  changed: v.optional(count),
  /** Why it failed or only half worked: a code of this program, never text of the gateway. */
  reason: v.optional(v.pipe(v.string(), v.regex(/^[a-z][a-z0-9_]{1,47}$/))),
});
export type Observed = v.InferOutput<typeof observedSchema>;

const receiptSchema = v.strictObject({
  v: version,
  workspace: digest,
  host: id,
  intent: digest,
  verdict: v.picklist(verdicts),
  code: v.optional(v.picklist(refusalCodes)),
  /** Position in this host's receipt chain, from 1. */
  number: v.pipe(count, v.minValue(1)),
  /** Digest of the receipt before; 32 zero bytes for the first. */
  previous: digest,
  started: seconds,
  ended: seconds,
  observed: observedSchema,
  trustHead,
});
export type Receipt = v.InferOutput<typeof receiptSchema>;
export const receiptCodec = codec(receiptSchema);

/**
 * Ends a session everywhere, or several of one person: signed by that session's own key, approved by its person, or by an
 * administrator. Kept by a host until each session would have ended anyway.
 */
const sessionEndSchema = v.strictObject({
  v: version,
  workspace: digest,
  /** The one that ends; or, of several, `sessions`. Never both, so that an end has one spelling. */
  session: v.optional(digest),
  sessions: v.optional(
    v.pipe(
      v.array(digest),
      v.minLength(2),
      v.maxLength(MAX_SESSIONS_PER_END),
      v.check((all) => all.every((one, i) => i === 0 || (all[i - 1] ?? "") < one), "sorted and unique"),
    ),
  ),
  person: id,
  at: seconds,
});
export type SessionEnd = v.InferOutput<typeof sessionEndSchema>;
export const sessionEndCodec = codec(
  v.pipe(
    sessionEndSchema,
    v.check(({ session, sessions }) => (session === undefined) !== (sessions === undefined), "one or several"),
  ),
);

/** The sessions that an end names, in its order. */
export function sessionsOf({ session, sessions }: SessionEnd): readonly string[] {
  return sessions ?? (session === undefined ? [] : [session]);
}

const signedSessionEndSchema = v.strictObject({
  body: someBytes(4_096),
  /** The sign-in of the session that ends, or of the first of several: whose it is, and its key. */
  session: assertedSchema,
  /** Those of the others, in the order in which the body names them. */
  others: v.optional(v.pipe(v.array(assertedSchema), v.minLength(1), v.maxLength(MAX_SESSIONS_PER_END - 1))),
  by: v.variant("kind", [
    v.strictObject({ kind: v.literal("session"), signature, successor: v.optional(assertedSchema) }),
    v.strictObject({ kind: v.literal("person"), approval: assertedSchema }),
  ]),
});
export type SignedSessionEnd = v.InferOutput<typeof signedSessionEndSchema>;
export const signedSessionEndCodec = codec(signedSessionEndSchema);
export { signedSessionEndSchema };

/** A write to the edge itself that a passkey approves: which endpoint, with exactly which body, from which session. */
const edgeActionSchema = v.strictObject({
  v: version,
  workspace: digest,
  session: digest,
  endpoint: v.pipe(v.string(), v.regex(/^[a-z][A-Za-z]{1,47}$/)),
  /** SHA-256 of the canonical JSON of the request's `change`. */
  change: digest,
  nonce,
  at: seconds,
});
export type EdgeAction = v.InferOutput<typeof edgeActionSchema>;
export const edgeActionCodec = codec(edgeActionSchema);

/** An API request, signed by the session key (or, before there is one, the setup key). */
const requestSchema = v.strictObject({
  v: version,
  method: v.picklist(["GET", "POST"]),
  /** Path and query exactly as requested. */
  path: v.pipe(v.string(), v.maxLength(1_024), v.regex(/^\/api\/[\x21-\x7e]*$/)),
  /** SHA-256 of the body's bytes. */
  body: digest,
  iat: seconds,
  jti: nonce,
});
export type ApiRequest = v.InferOutput<typeof requestSchema>;
export const requestCodec = codec(requestSchema);

/** 32 zero bytes: the `previous` of a first link. */
export const ZERO_DIGEST = "A".repeat(43);
