/**
 * How large a frame of each kind may be, and how many of it may come in a minute of one tunnel. Both ends hold the other
 * to it and close the socket beyond it: whoever exceeds these is broken or hostile. Sizes lie above what the schema and an
 * honest sender make; rates lie well above the fastest honest burst. No clock of its own: the caller passes one.
 */
import { MAX_FRAME_BYTES } from "./limits.ts";
import type { InwardFrame, OutwardFrame } from "./tunnel.ts";

export interface FrameLimit {
  readonly bytes: number;
  readonly perMinute: number;
}

/** An envelope of 64 KB in base64url, its number and the names around them. */
const DELIVER_BYTES = 88_064;
/** One signed message with a body below a kilobyte. */
const SIGNED_BYTES = 2_048;
/** One note of `MAX_FRAME_NOTE_BYTES` in base64url. */
const NOTE_BYTES = 3_072;
/** 200 a second: a host carries out fewer than 100 commands in one, so nothing honest waits for this. */
const COMMANDS_PER_MINUTE = 12_000;
/** Talk about the log comes with checkpoints, every ten seconds, and with a backlog of receipts after an absence. */
const WITNESS_PER_MINUTE = 600;

export const inwardLimits = {
  challenge: { bytes: 512, perMinute: 4 }, // once in a tunnel; a second one is refused as out of turn
  trust: { bytes: MAX_FRAME_BYTES, perMinute: 600 }, // a page holds 64 statements: 38,400 in the first minute
  welcome: { bytes: SIGNED_BYTES, perMinute: 4 }, // once in a tunnel
  prepare: { bytes: 16_384, perMinute: COMMANDS_PER_MINUTE }, // with a sign-in and an approval, 4 KB each at most
  read: { bytes: 16_384, perMinute: 1_200 }, // a followed log asks every two seconds; a page asks for a few lists at once
  "session-end": { bytes: MAX_FRAME_BYTES, perMinute: COMMANDS_PER_MINUTE }, // all that ended in twelve hours come at once, each with up to 64 sign-ins
  deliver: { bytes: DELIVER_BYTES, perMinute: COMMANDS_PER_MINUTE }, // all that was accepted in an absence comes as fast as it is answered
  ack: { bytes: 128, perMinute: COMMANDS_PER_MINUTE }, // one for each receipt
  checkpoint: { bytes: NOTE_BYTES, perMinute: WITNESS_PER_MINUTE }, // one every ten seconds
  proof: { bytes: MAX_FRAME_BYTES, perMinute: WITNESS_PER_MINUTE }, // one for each question of the host
  watch: { bytes: 128, perMinute: 60 }, // one every half minute, and one for each time that its object wakes
  certificate: { bytes: 6_144, perMinute: 30 }, // one for each request
  "certificate-refused": { bytes: 128, perMinute: 30 }, // one for each request
  drain: { bytes: 128, perMinute: 4 }, // once: the tunnel ends with it
  looked: { bytes: SIGNED_BYTES, perMinute: 30 }, // one for each look
} as const satisfies Readonly<Record<InwardFrame["kind"], FrameLimit>>;

export const outwardLimits = {
  hello: { bytes: SIGNED_BYTES, perMinute: 4 }, // once in a tunnel
  "trust-want": { bytes: 512, perMinute: 30 }, // an honest host asks once a minute; each costs the edge a database read
  "trust-ack": { bytes: SIGNED_BYTES, perMinute: 1_200 }, // one for each page of the trust log, and for each sign of life asked for
  prepared: { bytes: SIGNED_BYTES, perMinute: COMMANDS_PER_MINUTE }, // one for each prepare
  refused: { bytes: 256, perMinute: COMMANDS_PER_MINUTE }, // one for each prepare or delivery
  receipt: { bytes: 4_096, perMinute: COMMANDS_PER_MINUTE }, // all that was not confirmed is said again after an absence
  farewell: { bytes: SIGNED_BYTES, perMinute: 30 }, // once in the life of a host; said again until it is confirmed
  telemetry: { bytes: 8_192, perMinute: 180 }, // the host sends at most two a second, and only the newest
  reading: { bytes: 73_728, perMinute: 7_200 }, // up to six parts for each question; a part of 48 KB in base64url
  history: { bytes: 98_304, perMinute: 30 }, // four an hour, and one more for each reconnection
  witnessed: { bytes: NOTE_BYTES, perMinute: WITNESS_PER_MINUTE }, // once in a tunnel
  "proof-want": { bytes: 1_024, perMinute: WITNESS_PER_MINUTE }, // one for a checkpoint, some more for a backlog of receipts
  cosignature: { bytes: NOTE_BYTES, perMinute: WITNESS_PER_MINUTE }, // one for a checkpoint
  "witness-refused": { bytes: 6_144, perMinute: WITNESS_PER_MINUTE }, // two notes; once for a checkpoint that is refused
  "certificate-request": { bytes: 6_144, perMinute: 30 }, // a few an hour; the edge refuses more with a code first
  "witness-reset": { bytes: NOTE_BYTES, perMinute: 30 }, // when the owner of the machine says so
  look: { bytes: SIGNED_BYTES, perMinute: 30 }, // one for each command that asks for it; the edge knocks once a minute
} as const satisfies Readonly<Record<OutwardFrame["kind"], FrameLimit>>;

const MINUTE_MILLISECONDS = 60_000;

/** Counts the frames of one tunnel by kind, in minutes that begin with the first of each. */
export class FrameMeter<K extends string> {
  readonly #limits: Readonly<Record<K, FrameLimit>>;
  readonly #minutes = new Map<K, { began: number; frames: number }>();

  constructor(limits: Readonly<Record<K, FrameLimit>>) {
    this.#limits = limits;
  }

  /** False when this frame is one too many. `now`: monotonic milliseconds. */
  admits(kind: K, now: number): boolean {
    const minute = this.#minutes.get(kind);
    if (minute === undefined || now - minute.began >= MINUTE_MILLISECONDS || now < minute.began) {
      this.#minutes.set(kind, { began: now, frames: 1 });
      return true;
    }
    minute.frames += 1;
    return minute.frames <= this.#limits[kind].perMinute;
  }
}
