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
  trustHead,
  version,
} from "./fields.ts";
import {
  MAX_APPROVALS,
  MAX_CLIENT_DATA_BYTES,
  MAX_ENVELOPE_BYTES,
  MAX_INTENT_TTL_SECONDS,
  MAX_TARGETS,
} from "./limits.ts";
import { refusalCodes } from "./refusals.ts";

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

/** Who commands: a certified session, or (with a later statement kind) an automation key. */
const actorSchema = v.strictObject({ session: digest });

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
const expectSchema = v.strictObject({ gatewayBoot: v.optional(gatewayBootId) });
export type Expect = v.InferOutput<typeof expectSchema>;

/** Facts the page may show beside the button; each is the host's claim at `now`. */
const factsSchema = v.strictObject({
  gatewayBoot: v.optional(gatewayBootId),
  activeSessions: v.optional(count),
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
});
export type Prepared = v.InferOutput<typeof preparedSchema>;
export const preparedCodec = codec(preparedSchema);

const targetSchema = v.strictObject({
  host: id,
  challenge: nonce,
  iat: seconds,
  expect: expectSchema,
  /** Digests of sealed arguments. No operation of this version has any. */
  sealed: v.pipe(v.array(v.strictObject({ path: id, digest })), v.maxLength(0)),
});
export type Target = v.InferOutput<typeof targetSchema>;

function sortedAndUnique(targets: Target[]): boolean {
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
  trustHead,
  ttl: v.pipe(count, v.minValue(1), v.maxValue(MAX_INTENT_TTL_SECONDS)),
  id: nonce,
});
export type Intent = v.InferOutput<typeof intentSchema>;
export const intentCodec = codec(intentSchema);

/**
 * What a person's passkey signs: the assertion's challenge is this body's digest. `after` (kind intent) is
 * whole seconds on the page's monotonic clock from building the intent to the press; `at` (other kinds) is the
 * page's wall clock, shown and never judged.
 */
const approvalSchema = v.variant("kind", [
  v.strictObject({
    v: version,
    workspace: digest,
    kind: v.literal("intent"),
    subject: digest,
    decision: v.literal("approve"),
    after: count,
  }),
  v.strictObject({
    v: version,
    workspace: digest,
    kind: v.literal("statement"),
    subject: digest,
    decision: v.literal("approve"),
    at: seconds,
  }),
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

/** An envelope without its dispatch: what a page submits. */
const submissionSchema = v.strictObject({
  intent: someBytes(MAX_ENVELOPE_BYTES),
  sessionSignature: signature,
  session: assertedSchema,
  approvals: v.pipe(v.array(assertedSchema), v.maxLength(MAX_APPROVALS)),
  sealed: v.pipe(v.array(someBytes(1)), v.maxLength(0)),
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
