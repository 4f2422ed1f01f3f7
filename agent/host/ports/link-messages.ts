/**
 * What link and warden may say to each other, and how much of it. The link carries frames and keeps the TLS key; the warden
 * judges frames. A link in other hands gains nothing here that an edge does not have: there is no message by which it could
 * ask for an act, a key or a signature of its own wording.
 */
import * as v from "valibot";
import { codec, count, digest, fingerprint, id, seconds, someBytes, trustHead } from "../../../protocol/fields.ts";
import { inwardLimits, type FrameLimit } from "../../../protocol/frame-limits.ts";
import { MAX_FRAME_BYTES } from "../../../protocol/limits.ts";
import { telemetrySchema } from "../../../protocol/telemetry.ts";
import { certificateRefusals, inwardSchema, outwardSchema } from "../../../protocol/tunnel.ts";
import type { PortLimits } from "./port.ts";

/** The link's own number of a tunnel: names it on this socket and nowhere else. */
const tunnel = count;
const term = v.strictObject({ fingerprint, from: seconds, until: seconds });
/** SubjectPublicKeyInfo of a P-256 key is 91 bytes. */
const publicKey = someBytes(256);

const toWardenSchema = v.variant("kind", [
  /**
   * A connection to the edge, dialled with this client certificate. `resumes`: the warden ended itself while the tunnel stood;
   * it goes on only if that warden left word of this very tunnel.
   */
  v.strictObject({ kind: v.literal("open"), tunnel, fingerprint, resumes: v.boolean() }),
  v.strictObject({ kind: v.literal("frame"), tunnel, frame: inwardSchema }),
  v.strictObject({ kind: v.literal("close"), tunnel }),
  /** Now and then: what is due without a frame. `refused`: the gateway turns the reader away. */
  v.strictObject({ kind: v.literal("tick"), certificate: term, hasNewer: v.boolean(), isReaderRefused: v.boolean() }),
  /** The answer to `request`. */
  v.strictObject({ kind: v.literal("requested"), publicKey, csr: someBytes(2_048) }),
]);
export type ToWarden = v.InferOutput<typeof toWardenSchema>;
export const toWardenCodec = codec(toWardenSchema);

export const violationCodes = [
  "out_of_order",
  "flood",
  "edge_unproven",
  "foreign_certificate",
  "foreign_workspace",
  "trust_refused",
] as const;

const standingSchema = v.strictObject({
  admission: v.picklist(["none", "admitted", "foreign-key"]),
  trustHead: v.optional(trustHead),
  isFrozen: v.boolean(),
  lastReceipt: count,
  unsignedRefusals: count,
  witness: v.strictObject({
    size: v.optional(count),
    root: v.optional(digest),
    cosigned: v.optional(v.strictObject({ size: count, at: seconds })),
    provenTo: count,
    stalled: v.optional(count),
    conflicts: count,
  }),
  certificateRefusal: v.optional(v.picklist(certificateRefusals)),
  /** What waits for an answer of a person, where the warden answers a gateway's questions. */
  questions: telemetrySchema.entries.questions,
});
export type Standing = v.InferOutput<typeof standingSchema>;

const toLinkSchema = v.variant("kind", [
  v.strictObject({ kind: v.literal("opened"), tunnel, isWelcomed: v.boolean() }),
  /** One for each `frame`, in their order: the next one may come. */
  v.strictObject({ kind: v.literal("taken"), tunnel, isWelcomed: v.boolean() }),
  /** Instead: the tunnel must be closed. */
  v.strictObject({ kind: v.literal("violation"), tunnel, code: v.picklist(violationCodes) }),
  v.strictObject({ kind: v.literal("frame"), tunnel, frame: outwardSchema }),
  /** A new key is to be made, and a request for its certificate. */
  v.strictObject({ kind: v.literal("request"), host: id }),
  /** DER. */
  v.strictObject({ kind: v.literal("keep"), publicKey, certificate: someBytes(4_096) }),
  v.strictObject({ kind: v.literal("retry") }),
  v.strictObject({ kind: v.literal("standing"), standing: standingSchema }),
  /** Nothing is under way: this process ends, and the next word starts another one. */
  v.strictObject({ kind: v.literal("sleep") }),
]);
export type ToLink = v.InferOutput<typeof toLinkSchema>;
export const toLinkCodec = codec(toLinkSchema);

/** Names and numbers around a frame. */
const AROUND_BYTES = 256;
const MAX_PORT_BYTES = MAX_FRAME_BYTES + AROUND_BYTES;
/** A network that comes and goes: the link itself waits a second at least between two dials. */
const TUNNELS_PER_MINUTE = 60;

/** Once in a tunnel; all other frames are bounded for a tunnel and for a minute alike. */
const handshakes: ReadonlySet<string> = new Set(["challenge", "welcome", "drain"]);

const frames = Object.entries(inwardLimits).map(([kind, { bytes, perMinute }]): [string, FrameLimit] => [
  `frame.${kind}`,
  { bytes: bytes + AROUND_BYTES, perMinute: handshakes.has(kind) ? TUNNELS_PER_MINUTE : perMinute },
]);

/** The warden holds the link to what it holds the edge to. */
export const toWardenLimits: PortLimits<ToWarden> = {
  bytes: MAX_PORT_BYTES,
  kinds: {
    ...Object.fromEntries(frames),
    open: { bytes: 512, perMinute: TUNNELS_PER_MINUTE },
    close: { bytes: 128, perMinute: TUNNELS_PER_MINUTE },
    tick: { bytes: 512, perMinute: 30 }, // once a minute
    requested: { bytes: 4_096, perMinute: 30 }, // one for each `request`
  },
  kindOf: (message) => (message.kind === "frame" ? `frame.${message.frame.kind}` : message.kind),
};

/** The warden is trusted for everything: what bounds it is only that nothing here grows without end. */
const FRAMES_PER_MINUTE = 60_000;
export const toLinkLimits: PortLimits<ToLink> = {
  bytes: MAX_PORT_BYTES,
  kinds: Object.fromEntries(
    ["opened", "taken", "violation", "frame", "request", "keep", "retry", "standing", "sleep"].map((kind) => [
      kind,
      { bytes: MAX_PORT_BYTES, perMinute: FRAMES_PER_MINUTE },
    ]),
  ),
  kindOf: ({ kind }) => kind,
};
