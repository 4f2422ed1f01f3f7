/**
 * What leaves this host on one tunnel, and how much at a time. Receipts go out in a window that the edge's
 * confirmations move on, so that a backlog is neither a flood there nor a pile here; of telemetry only the newest counts; and
 * when the other end does not read, the tunnel is given up: nothing that matters is only here, all of it is in the journal.
 */
import { MAX_UNCONFIRMED_RECEIPTS } from "../../../protocol/limits.ts";
import { outwardFrames, type OutwardFrame } from "../../../protocol/tunnel.ts";
import type { Sent } from "./socket.ts";

type ReceiptFrame = Extract<OutwardFrame, { kind: "receipt" }>;
type TelemetryFrame = Extract<OutwardFrame, { kind: "telemetry" }>;

/** Twice a second looks live to a person, whatever the gateway does. */
const TELEMETRY_MILLISECONDS = 500;
/** An edge may have reasons not to confirm a receipt (it never asked for it): its place is free again after this long. */
const CONFIRM_MILLISECONDS = 10_000;

export interface OutletDeps {
  readonly send: (text: string) => Sent;
  /** The other end does not read: the tunnel must end. */
  readonly onStalled: () => void;
  /** Monotonic, milliseconds. */
  readonly elapsed: () => number;
}

export class Outlet {
  readonly #deps: OutletDeps;
  /** By number: said again while it waits, a receipt still goes out once. The journal holds what this points to. */
  readonly #waiting = new Map<number, ReceiptFrame>();
  /** Number to the moment of sending. */
  readonly #unconfirmed = new Map<number, number>();
  #telemetry: TelemetryFrame | undefined;
  #pause: NodeJS.Timeout | undefined;
  #retry: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(deps: OutletDeps) {
    this.#deps = deps;
  }

  push(frame: OutwardFrame): void {
    if (this.#isClosed) return;
    if (frame.kind === "receipt") {
      this.#waiting.set(frame.number, frame);
      return this.#advance();
    }
    if (frame.kind !== "telemetry") return this.#send(frame);
    if (this.#pause === undefined) return this.#tell(frame);
    this.#telemetry = frame;
  }

  /** The edge holds this receipt. */
  confirmed(receipt: number): void {
    this.#waiting.delete(receipt);
    if (this.#unconfirmed.delete(receipt)) this.#advance();
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#pause);
    clearTimeout(this.#retry);
    this.#waiting.clear();
  }

  #advance(): void {
    for (const [number, frame] of this.#waiting) {
      if (this.#isClosed || this.#unconfirmed.size >= MAX_UNCONFIRMED_RECEIPTS) break;
      this.#waiting.delete(number);
      this.#unconfirmed.set(number, this.#deps.elapsed());
      this.#send(frame);
    }
    if (this.#isClosed || this.#waiting.size === 0 || this.#retry !== undefined) return;
    this.#retry = setTimeout(() => this.#giveWay(), CONFIRM_MILLISECONDS);
  }

  #giveWay(): void {
    this.#retry = undefined;
    const before = this.#deps.elapsed() - CONFIRM_MILLISECONDS;
    for (const [number, sentAt] of this.#unconfirmed) if (sentAt <= before) this.#unconfirmed.delete(number);
    this.#advance();
  }

  #tell(frame: TelemetryFrame): void {
    this.#send(frame);
    this.#pause = setTimeout(() => {
      this.#pause = undefined;
      const newest = this.#telemetry;
      this.#telemetry = undefined;
      if (newest !== undefined) this.#tell(newest);
    }, TELEMETRY_MILLISECONDS);
  }

  #send(frame: OutwardFrame): void {
    if (this.#deps.send(outwardFrames.encode(frame)) !== "stalled") return;
    this.close();
    this.#deps.onStalled();
  }
}
