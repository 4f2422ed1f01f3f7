/**
 * The frames of gateway protocol v4, read from a hostile peer. This file decides what is looked at: answers to our own
 * requests, and the *names* of a few events. It may not keep, log or hand on the payload of any other event, because
 * a gateway sends prompts and replies to every connection that may read.
 */
import { Buffer } from "node:buffer";

/** Answers are below 20 KB in practice; a larger frame is a flood or content, and ends the connection. */
export const MAX_FRAME_BYTES = 2_097_152;
/** Before the hello nothing larger than a challenge is due. */
export const MAX_CHALLENGE_BYTES = 65_536;
/** Bytes in one ten-second window: a poll is 10 KB, a busy gateway's broadcasts some hundred KB. */
export const MAX_WINDOW_BYTES = 33_554_432;
/** Frames (pings included) in one ten-second window. */
export const MAX_WINDOW_FRAMES = 20_000;
export const WINDOW_MILLISECONDS = 10_000;
/** The reader has at most nine requests under way; more would mean that we leak them. */
export const MAX_PENDING_REQUESTS = 32;
/** The longest start of an event frame that can hold its name. */
const NAME_LOOK_BYTES = 128;

/** Events that we notice, by name alone. `shutdown` also says how long the restart should take. */
export const noticedEvents = [
  "shutdown",
  "health",
  "config.changed",
  "cron",
  "plugins.changed",
  "gateway.suspension",
  "exec.approval.requested",
  "exec.approval.resolved",
] as const;
export type NoticedEvent = (typeof noticedEvents)[number];

export type Frame =
  | { readonly kind: "challenge"; readonly nonce: string; readonly at: number }
  | { readonly kind: "event"; readonly name: NoticedEvent; readonly restartExpected: boolean }
  | { readonly kind: "answer"; readonly id: string; readonly ok: true; readonly payload: unknown }
  | { readonly kind: "answer"; readonly id: string; readonly ok: false; readonly error: WireError }
  | { readonly kind: "ignored" }
  | { readonly kind: "broken" };

export interface WireError {
  readonly code: string | undefined;
  readonly detail: string | undefined;
}

export type Fields = Readonly<Record<string, unknown>>;

export function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** One member of an answer, or undefined when the answer is not an object or lacks it. */
export function field(value: unknown, key: string): unknown {
  return isFields(value) && Object.hasOwn(value, key) ? value[key] : undefined;
}

const CODE = /^[A-Z][A-Z0-9_]{1,34}$/;
const NONCE = /^[0-9A-Za-z_-]{8,128}$/;
const EVENT_START = /^\{"type":"event","event":"([A-Za-z0-9._:-]{1,64})"/;

function boundedCode(value: unknown): string | undefined {
  return typeof value === "string" && CODE.test(value) ? value : undefined;
}

function isNoticed(name: unknown): name is NoticedEvent {
  return noticedEvents.some((known) => known === name);
}

/** The event's name from the frame's first bytes; undefined when the frame is not shaped like an event. */
export function eventNameOf(bytes: Uint8Array): string | undefined {
  const start = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.byteLength, NAME_LOOK_BYTES)).toString(
    "latin1",
  );
  return EVENT_START.exec(start)?.[1];
}

/** Reads one text frame. `broken` means the peer does not speak the protocol: the caller ends the connection. */
export function readFrame(bytes: Uint8Array): Frame {
  const named = eventNameOf(bytes);
  // The common case on a busy gateway is content: it is dropped here, before anything of it becomes a string.
  if (named !== undefined && named !== "connect.challenge" && !isNoticed(named)) return { kind: "ignored" };
  let frame: unknown;
  try {
    frame = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypeError || error instanceof RangeError)
      return { kind: "broken" };
    throw error;
  }
  const type = field(frame, "type");
  if (type === "event") return readEvent(frame);
  if (type === "res") return readAnswer(frame);
  return isFields(frame) ? { kind: "ignored" } : { kind: "broken" };
}

function readEvent(frame: unknown): Frame {
  const name = field(frame, "event");
  const payload = field(frame, "payload");
  if (name === "connect.challenge") {
    const nonce = field(payload, "nonce");
    const at = field(payload, "ts");
    if (typeof nonce !== "string" || !NONCE.test(nonce)) return { kind: "broken" };
    if (typeof at !== "number" || !Number.isSafeInteger(at) || at < 0) return { kind: "broken" };
    return { kind: "challenge", nonce, at };
  }
  if (!isNoticed(name)) return { kind: "ignored" };
  const expected = name === "shutdown" ? field(payload, "restartExpectedMs") : undefined;
  return { kind: "event", name, restartExpected: typeof expected === "number" && expected > 0 };
}

function readAnswer(frame: unknown): Frame {
  const id = field(frame, "id");
  const ok = field(frame, "ok");
  if (typeof id !== "string" || typeof ok !== "boolean") return { kind: "broken" };
  if (ok) return { kind: "answer", id, ok, payload: field(frame, "payload") };
  const error = field(frame, "error");
  const detail = boundedCode(field(field(error, "details"), "code"));
  return { kind: "answer", id, ok, error: { code: boundedCode(field(error, "code")), detail } };
}
