/**
 * What each socket of a host's object carries through hibernation (its attachment), and the header by which the
 * Worker, and nobody else, says whose socket it is: the Worker deletes the header from every request before it sets it.
 */
import * as v from "valibot";
import { count, digest, fingerprint, id, nonce, publicKey, seconds } from "../../protocol/fields.ts";

export const SOCKET_HEADER = "clawhold-socket";

const agentSocketSchema = v.strictObject({
  kind: v.literal("agent"),
  workspace: digest,
  host: id,
  /** Of the host that joined with this certificate. */
  hostKey: publicKey,
  certFingerprint: fingerprint,
  /** No tunnel with this certificate was welcomed before. */
  isFirstUse: v.optional(v.literal(true)),
  /** Where the tunnel comes from, as the front or Cloudflare states it; for a look from outside. */
  address: v.optional(v.pipe(v.string(), v.maxLength(45))),
});
const pageSocketSchema = v.strictObject({
  kind: v.literal("page"),
  workspace: digest,
  host: id,
  session: digest,
  person: id,
  /** End of the session, or of the roles that let it look. */
  expires: seconds,
});
const openingSchema = v.variant("kind", [agentSocketSchema, pageSocketSchema]);
export type SocketOpening = v.InferOutput<typeof openingSchema>;
export type AgentOpening = v.InferOutput<typeof agentSocketSchema>;
export type PageOpening = v.InferOutput<typeof pageSocketSchema>;

export function encodeOpening(opening: SocketOpening): string {
  return JSON.stringify(opening);
}

/** @throws {TypeError} only the Worker writes this header. */
export function decodeOpening(text: string | null): SocketOpening {
  const result = v.safeParse(openingSchema, text === null ? undefined : JSON.parse(text));
  if (!result.success) throw new TypeError("socket header missing or malformed");
  return result.output;
}

/**
 * `challenged`: has our nonce, owes a hello. `rival`: proved its key while another connection with it was open.
 * `welcomed`: has our signed answer; only now is anything delivered.
 */
const agentAttachmentSchema = v.strictObject({
  ...agentSocketSchema.entries,
  phase: v.picklist(["challenged", "rival", "welcomed"]),
  tunnel: nonce,
  edgeNonce: nonce,
  /** The newest place of the trust log sent to this host; -1 for none. */
  trustSent: v.pipe(v.number(), v.safeInteger(), v.minValue(-1)),
  /** The head of ours for which this host was told again what it lacked. */
  repaired: v.optional(v.pipe(v.string(), v.maxLength(128))),
  /** Size of the newest checkpoint sent to this host. */
  checkpointSent: v.optional(count),
  /** Place of the newest command sent on this tunnel. */
  delivered: v.optional(count),
  openedAt: count,
});
export type AgentAttachment = v.InferOutput<typeof agentAttachmentSchema>;

const attachmentSchema = v.variant("kind", [agentAttachmentSchema, pageSocketSchema]);

type Attachment = v.InferOutput<typeof attachmentSchema>;

/** What each socket carries, as it was read or last written: only this module writes. Rebuilt after hibernation. */
const held = new WeakMap<WebSocket, Attachment>();

/** The only way in which an attachment is written. */
export function keepAttachment(socket: WebSocket, attachment: Attachment): void {
  socket.serializeAttachment(attachment);
  held.set(socket, attachment);
}

export function readAttachment(socket: WebSocket): Attachment | undefined {
  const known = held.get(socket);
  if (known !== undefined) return known;
  const result = v.safeParse(attachmentSchema, socket.deserializeAttachment());
  if (!result.success) return undefined;
  held.set(socket, result.output);
  return result.output;
}

export function readAgent(socket: WebSocket): AgentAttachment | undefined {
  const attachment = readAttachment(socket);
  return attachment?.kind === "agent" ? attachment : undefined;
}

export const AGENT_TAG = "agent";
export function pageTag(session: string): string {
  return `page:${session}`;
}

/** Close codes: 1008 policy violation (RFC 6455, section 7.4.1), 4xxx ours. */
export const CLOSE = {
  violation: 1008,
  replaced: 4001,
  duplicate: 4002,
  removed: 4003,
  ended: 4004,
  flood: 4005,
  foreign: 4006,
  unable: 4007,
} as const;

/** Sends unless the socket is already gone; its close event says the rest. */
export function trySend(socket: WebSocket, text: string): boolean {
  try {
    socket.send(text);
    return true;
  } catch {
    return false; // closing: the close handler runs next
  }
}

export function tryClose(socket: WebSocket, code: number, reason: string): void {
  try {
    socket.close(code, reason);
  } catch {
    return; // already closed
  }
}
