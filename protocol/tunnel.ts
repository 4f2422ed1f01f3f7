/**
 * The host's tunnel: joining, the hello handshake, and the closed union of frames. A frame is one text message of
 * canonical JSON; signed messages travel inside as base64url of their exact bytes. Anything else closes the socket.
 */
import * as v from "valibot";
import { MalformedError } from "./canonical.ts";
import { utf8 } from "./bytes.ts";
import {
  codec,
  count,
  digest,
  fingerprint,
  id,
  label,
  nonce,
  publicKey,
  seconds,
  signature,
  someBytes,
  trustHead,
  version,
} from "./fields.ts";
import { inwardLimits, outwardLimits, type FrameLimit } from "./frame-limits.ts";
import {
  MAX_DRAIN_SPREAD_SECONDS,
  MAX_ENTRY_BYTES,
  MAX_ENVELOPE_BYTES,
  MAX_FRAME_BYTES,
  MAX_FRAME_NOTE_BYTES,
  MAX_PROOF_HASHES,
  MAX_PROVEN_RECEIPTS,
  READING_PART_BYTES,
  WATCH_SECONDS,
} from "./limits.ts";
import { signedSchema, signedSessionEndSchema } from "./messages.ts";
import { refusalCodes } from "./refusals.ts";
import { samplesSchema } from "./history.ts";
import { telemetrySchema } from "./telemetry.ts";
import { trustPageSchema } from "./trust/statements.ts";

/** Asks for a place in quarantine and for a client certificate; signed by the host key. */
const joinSchema = v.strictObject({
  v: version,
  workspace: digest,
  hostKey: publicKey,
  cosignKey: publicKey,
  label,
  colocated: v.boolean(),
  /** PKCS#10 request for the host's P-256 TLS key, DER. */
  csr: someBytes(2_048),
  nonce,
});
export type Join = v.InferOutput<typeof joinSchema>;
export const joinCodec = codec(joinSchema);

/** Body of POST /join. The token is single use and was handed to the host out of band. */
const joinRequestSchema = v.strictObject({ token: nonce, join: someBytes(4_096), signature });
export const joinRequestCodec = codec(joinRequestSchema);
/** `certificate`: DER of the client certificate. */
const joinAnswerSchema = v.strictObject({ host: id, certificate: someBytes(4_096) });
export type JoinAnswer = v.InferOutput<typeof joinAnswerSchema>;
export const joinAnswerCodec = codec(joinAnswerSchema);

/** The host's first signed word on a tunnel, over the edge's nonce. */
const helloSchema = v.strictObject({
  v: version,
  workspace: digest,
  host: id,
  hostBoot: nonce,
  /** Absent when the host holds no trust log yet. */
  trustHead: v.optional(trustHead),
  /** Number of the newest receipt the host has written, 0 for none. */
  lastReceipt: count,
  /** Newest delivery number the host has finished with. */
  lastAck: count,
  nonce,
  edgeNonce: nonce,
  tunnel: nonce,
});
export type Hello = v.InferOutput<typeof helloSchema>;
export const helloCodec = codec(helloSchema);

/** The edge proves itself with the dispatch key: layer 1 where the server certificate cannot be pinned. */
const welcomeSchema = v.strictObject({
  v: version,
  workspace: digest,
  host: id,
  tunnel: nonce,
  certFingerprint: fingerprint,
  hostNonce: nonce,
  edgeNonce: nonce,
});
export type Welcome = v.InferOutput<typeof welcomeSchema>;
export const welcomeCodec = codec(welcomeSchema);

/** The host's signed word that it holds this trust head; `frozen`: and two histories, so that it obeys neither. */
const trustAckSchema = v.strictObject({
  v: version,
  workspace: digest,
  host: id,
  trustHead,
  frozen: v.optional(
    v.strictObject({
      reason: v.picklist(["fork", "revoked_author"]),
      place: count,
      mine: digest,
      other: digest,
    }),
  ),
});
export const trustAckCodec = codec(trustAckSchema);

/**
 * The last word of a host key, when somebody resets the host on the machine itself: where its chain of receipts ends.
 * It takes the next number of that chain, so nothing can follow it. It asks for nothing: who is admitted is for the
 * trust log to say.
 */
const farewellSchema = v.strictObject({
  v: version,
  workspace: digest,
  host: id,
  /** Number 0 and 32 zero bytes when there was none. */
  lastReceipt: v.strictObject({ number: count, digest }),
  /** Host wall clock. */
  at: seconds,
});
export type Farewell = v.InferOutput<typeof farewellSchema>;
export const farewellCodec = codec(farewellSchema);

/**
 * Asks for the next client certificate, on the tunnel that it names. Signed by the host key, which the network side of a
 * host does not hold: neither it nor an edge can ask for a key of its own.
 */
const certificateRequestSchema = v.strictObject({
  v: version,
  workspace: digest,
  host: id,
  tunnel: nonce,
  /** PKCS#10 request for a new P-256 key, DER. */
  csr: someBytes(2_048),
});
export type CertificateRequest = v.InferOutput<typeof certificateRequestSchema>;
export const certificateRequestCodec = codec(certificateRequestSchema);

/** Why a host gets no new certificate now. It keeps the one it has and asks again later. */
export const certificateRefusals = [
  "not_admitted", // nobody admitted the host: it can join again
  "not_due", // less than two thirds of the life of the one in use are over
  "too_often",
  "repeated", // the same request again, or a key that had a certificate before
  "request", // no well-formed request for a P-256 key
  "quota", // the provider issues no more
  "authority", // the provider did not answer, or not as agreed
  "ledger", // no certificate without its entry
] as const;
export type CertificateRefusal = (typeof certificateRefusals)[number];

/** A signed note with a line or two (note.ts), as bytes of its text. */
const smallNote = someBytes(MAX_FRAME_NOTE_BYTES);
const hashList = v.pipe(v.array(digest), v.maxLength(MAX_PROOF_HASHES));

/** Why a host does not cosign a checkpoint. */
export const witnessRefusals = [
  "signature", // not signed by the ledger key of the trust log
  "smaller", // shorter than what it has seen
  "different", // as long, with another root
  "inconsistent", // longer, and does not begin with what it has seen
  "receipt_missing", // a receipt of its own was not proven to be in it
] as const;
export type WitnessRefusal = (typeof witnessRefusals)[number];

/** Edge to host. `trust` needs no layer (statements prove themselves) and may come before `welcome`. */
export const inwardSchema = v.variant("kind", [
  v.strictObject({ kind: v.literal("challenge"), edgeNonce: nonce, tunnel: nonce }),
  v.strictObject({ kind: v.literal("trust"), page: trustPageSchema }),
  v.strictObject({ kind: v.literal("welcome"), signed: signedSchema }),
  /**
   * `session`: canonical bytes of the Asserted sign-in, so that the host judges the role before it mints; absent for an
   * automation key. `successor`: likewise, of the approval that named the key which signed.
   */
  v.strictObject({
    kind: v.literal("prepare"),
    prepare: signedSchema,
    session: v.optional(someBytes(4_096)),
    successor: v.optional(someBytes(4_096)),
  }),
  /** A question (reading.ts); sign-in and successor as with `prepare`. */
  v.strictObject({
    kind: v.literal("read"),
    read: signedSchema,
    session: someBytes(4_096),
    successor: v.optional(someBytes(4_096)),
  }),
  /** Proves itself like a statement; kept until the session would have ended. */
  v.strictObject({ kind: v.literal("session-end"), end: signedSessionEndSchema }),
  v.strictObject({ kind: v.literal("deliver"), number: count, envelope: someBytes(MAX_ENVELOPE_BYTES) }),
  /** Somebody looks at this host's figures: for so long it says them at once and every `TELEMETRY_SECONDS`. */
  v.strictObject({
    kind: v.literal("watch"),
    seconds: v.pipe(v.number(), v.safeInteger(), v.minValue(1), v.maxValue(WATCH_SECONDS)),
  }),
  /** The edge holds the receipt durably; the host may stop repeating it. */
  v.strictObject({ kind: v.literal("ack"), receipt: count }),
  /** The newest checkpoint that the ledger key signed. The host asks for what proves it. */
  v.strictObject({ kind: v.literal("checkpoint"), note: smallNote }),
  /** The answer to `proof-want`: nothing here is believed, all of it is computed up to the checkpoint's root. */
  v.strictObject({
    kind: v.literal("proof"),
    from: count,
    to: count,
    consistency: hashList,
    receipts: v.pipe(
      v.array(v.strictObject({ number: count, entry: someBytes(MAX_ENTRY_BYTES), inclusion: hashList })),
      v.maxLength(MAX_PROVEN_RECEIPTS),
    ),
  }),
  /** The answer to `certificate-request`: DER. The host takes it only for the key that it asked for. */
  v.strictObject({ kind: v.literal("certificate"), certificate: someBytes(4_096) }),
  v.strictObject({ kind: v.literal("certificate-refused"), code: v.picklist(certificateRefusals) }),
  /** The answer to `look` (posture/outside.ts). */
  v.strictObject({ kind: v.literal("looked"), signed: signedSchema }),
  /** The edge is about to restart. `spreadSeconds`: the hosts come back over this long, each at a moment of its own. */
  v.strictObject({
    kind: v.literal("drain"),
    spreadSeconds: v.optional(v.pipe(count, v.maxValue(MAX_DRAIN_SPREAD_SECONDS))),
  }),
]);
export type InwardFrame = v.InferOutput<typeof inwardSchema>;

/** Host to edge. */
export const outwardSchema = v.variant("kind", [
  v.strictObject({ kind: v.literal("hello"), signed: signedSchema }),
  v.strictObject({ kind: v.literal("trust-want"), after: v.optional(trustHead) }),
  v.strictObject({ kind: v.literal("trust-ack"), signed: signedSchema }),
  v.strictObject({ kind: v.literal("prepared"), signed: signedSchema }),
  /** Unsigned on purpose: it proves nothing and only saves waiting. `subject` names the prepare or intent. */
  v.strictObject({ kind: v.literal("refused"), subject: digest, code: v.picklist(refusalCodes) }),
  v.strictObject({ kind: v.literal("receipt"), number: count, signed: signedSchema }),
  /** From any welcomed host, admitted or not. Answered by `ack` of the number after its last receipt. */
  v.strictObject({ kind: v.literal("farewell"), signed: signedSchema }),
  v.strictObject({ kind: v.literal("telemetry"), telemetry: telemetrySchema }),
  /** One part of the answer to `read`, sealed to whoever asked; a refusal has no ciphertext. */
  v.strictObject({
    kind: v.literal("reading"),
    signed: signedSchema,
    ciphertext: v.optional(someBytes(READING_PART_BYTES)),
  }),
  /** Said again after a reconnection: a sample is known by its minute. */
  v.strictObject({ kind: v.literal("history"), samples: samplesSchema }),
  /** After `welcome`: the newest checkpoint that this host holds, with its own cosignature if it gave one. */
  v.strictObject({ kind: v.literal("witnessed"), note: smallNote }),
  /** `from`: the size it holds, 0 for none. `receipts`: numbers of its own that were not yet proven to be in the log. */
  v.strictObject({
    kind: v.literal("proof-want"),
    from: count,
    to: count,
    receipts: v.pipe(v.array(count), v.maxLength(MAX_PROVEN_RECEIPTS)),
  }),
  /** The checkpoint's text with this host's one signature line. */
  v.strictObject({ kind: v.literal("cosignature"), note: smallNote }),
  /** It does not cosign. Both notes carry the ledger key's own signature: whoever reads them sees for themselves. */
  v.strictObject({
    kind: v.literal("witness-refused"),
    reason: v.picklist(witnessRefusals),
    held: v.optional(smallNote),
    shown: smallNote,
    /** The receipt that was not proven. */
    receipt: v.optional(count),
  }),
  v.strictObject({ kind: v.literal("certificate-request"), signed: signedSchema }),
  /** The owner of this host let it forget what it had seen; from here on it witnesses anew. */
  v.strictObject({ kind: v.literal("witness-reset"), note: v.optional(smallNote) }),
  /** Asks the edge to knock at where this tunnel comes from (posture/outside.ts). */
  v.strictObject({ kind: v.literal("look"), signed: signedSchema }),
]);
export type OutwardFrame = v.InferOutput<typeof outwardSchema>;

/** Keep-alive, answered by the edge's runtime without waking the object; not a frame. */
export const PING = "ping";
export const PONG = "pong";

type FrameLimits = Readonly<Record<string, FrameLimit>>;

interface Union extends v.GenericSchema<unknown, { readonly kind: string }> {
  readonly options: readonly (v.GenericSchema & {
    readonly entries: { readonly kind: { readonly literal: string } };
  })[];
}

/** By its kind, where the union would try one after the other; what has none of them is the union's to refuse. */
function byKind<S extends Union>(union: S): v.GenericSchema<unknown, v.InferOutput<S>> {
  const kinds = new Map<unknown, v.GenericSchema>(union.options.map((one) => [one.entries.kind.literal, one]));
  const isObject = (input: unknown): input is object => typeof input === "object" && input !== null;
  const find = (input: unknown): v.GenericSchema =>
    (isObject(input) && "kind" in input ? kinds.get(input.kind) : undefined) ?? union;
  return v.lazy(find) as v.GenericSchema<unknown, v.InferOutput<S>>;
}

function frameCodec<S extends Union>(schema: S, limits: FrameLimits) {
  const frames = codec(byKind(schema));
  const isTooLarge = ({ kind }: v.InferOutput<S>, bytes: number): boolean => bytes > (limits[kind]?.bytes ?? 0);
  /** Nobody else wrote it, so its schema is asked once; whoever receives it reads the text itself. */
  function textOf(frame: v.InferOutput<S>): string {
    try {
      return frames.text(frame);
    } catch (error) {
      if (error instanceof MalformedError) throw new TypeError(`frame does not fit its schema (${error.message})`);
      throw error;
    }
  }
  return {
    /** @throws {TypeError} for a frame that the other end would refuse: a programmer's mistake. */
    encode(frame: v.InferOutput<S>): string {
      const text = textOf(frame);
      if (isTooLarge(frame, utf8(text).length)) throw new TypeError("frame larger than any receiver takes");
      return text;
    },
    /** @throws {MalformedError} */
    decode(text: string): v.InferOutput<S> {
      // A character is at least one byte: the first test spares copying a flood.
      if (text.length > MAX_FRAME_BYTES) throw new MalformedError("frame too large");
      const bytes = utf8(text);
      if (bytes.length > MAX_FRAME_BYTES) throw new MalformedError("frame too large");
      const frame = frames.decode(bytes);
      if (isTooLarge(frame, bytes.length)) throw new MalformedError("frame too large for its kind");
      return frame;
    },
  };
}
// Pure: a program that reads no frames, such as a page, need not carry the tables.
export const inwardFrames = /* @__PURE__ */ frameCodec(inwardSchema, inwardLimits);
export const outwardFrames = /* @__PURE__ */ frameCodec(outwardSchema, outwardLimits);
