/**
 * What a host may say at all: frames of the closed union, each within its size and its rate. It judges form and number
 * only; who speaks, and whether it is true, is asked after it.
 */
import { MalformedError } from "../../protocol/canonical.ts";
import { FrameMeter, outwardLimits } from "../../protocol/frame-limits.ts";
import { outwardFrames, type OutwardFrame } from "../../protocol/tunnel.ts";
import { logFault, logStep } from "../log.ts";
import type { OpenTunnel } from "./delivery.ts";
import { CLOSE, tryClose } from "./sockets.ts";

/** More of one kind in a minute than an honest host ever sends. */
class FrameFlood extends Error {
  override readonly name = "FrameFlood";
  readonly kind: OutwardFrame["kind"];
  constructor(kind: OutwardFrame["kind"]) {
    super(kind);
    this.kind = kind;
  }
}

export class FrameGate {
  /** In memory only, by tunnel: whoever is quiet for so long that this object sleeps has not flooded it. */
  readonly #meters = new Map<string, FrameMeter<OutwardFrame["kind"]>>();

  /** @throws {MalformedError} @throws {FrameFlood} */
  read(tunnel: string, message: string | ArrayBuffer): OutwardFrame {
    if (typeof message !== "string") throw new MalformedError("binary frame");
    const frame = outwardFrames.decode(message);
    const meter = this.#meters.get(tunnel) ?? new FrameMeter(outwardLimits);
    this.#meters.set(tunnel, meter);
    if (!meter.admits(frame.kind, Date.now())) throw new FrameFlood(frame.kind);
    return frame;
  }

  forget(tunnel: string): void {
    this.#meters.delete(tunnel);
  }
}

/** Ends a tunnel for what came over it: form and number are the host's fault, anything else is ours. */
export function closeAfter(error: unknown, { socket, attachment: { host, tunnel } }: OpenTunnel): void {
  if (error instanceof FrameFlood) {
    logStep("frame-flood", { host, tunnel, kind: error.kind });
    return tryClose(socket, CLOSE.flood, "flood");
  }
  if (error instanceof MalformedError) {
    logStep("frame-refused", { host, tunnel, why: error.message });
    return tryClose(socket, CLOSE.violation, "frame");
  }
  logFault("tunnel", error, { host, tunnel });
  tryClose(socket, 1011, "internal");
}
