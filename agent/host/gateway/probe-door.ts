/**
 * Asks one open door of this machine for the gateway's readiness route, plain and over TLS: whoever answers it with the
 * gateway's own uptime has the gateway behind it. Nothing of ours is sent along, and one number is read of the answer.
 */
import { get as getPlain, type ClientRequest, type IncomingMessage } from "node:http";
import { get as getSecure } from "node:https";
import type { Listener } from "./listening.ts";
import { field } from "./wire.ts";

const DOOR_MILLISECONDS = 2_000;
const MAX_DOOR_BYTES = 16_384;

export interface DoorAnswer {
  readonly speaksHttp: boolean;
  readonly uptimeMilliseconds: number | undefined;
}

const mute: DoorAnswer = { speaksHttp: false, uptimeMilliseconds: undefined };

/** Never rejects. */
export async function probeDoor({ address, port }: Pick<Listener, "address" | "port">): Promise<DoorAnswer> {
  const host = address === "0.0.0.0" ? "127.0.0.1" : address === "::" ? "::1" : address;
  const options = { host, port, path: "/readyz", agent: false, timeout: DOOR_MILLISECONDS };
  const plain = await ask((onAnswer) => getPlain(options, onAnswer));
  if (plain.uptimeMilliseconds !== undefined) return plain;
  // Only what stands behind it is asked, not whom its certificate names: no secret goes there.
  const secure = await ask((onAnswer) => getSecure({ ...options, rejectUnauthorized: false }, onAnswer));
  return secure.speaksHttp ? secure : plain;
}

function ask(start: (onAnswer: (answer: IncomingMessage) => void) => ClientRequest): Promise<DoorAnswer> {
  return new Promise((resolve) => {
    const request = start((answer) => {
      const parts: Uint8Array[] = [];
      let size = 0;
      answer.on("data", (part: Uint8Array) => {
        size += part.byteLength;
        if (size > MAX_DOOR_BYTES) finish({ speaksHttp: true, uptimeMilliseconds: undefined });
        else parts.push(part);
      });
      answer.on("end", () => finish({ speaksHttp: true, uptimeMilliseconds: uptimeIn(Buffer.concat(parts)) }));
      answer.on("error", () => finish(mute));
    });
    const deadline = setTimeout(() => finish(mute), DOOR_MILLISECONDS);
    function finish(answer: DoorAnswer): void {
      clearTimeout(deadline);
      request.destroy();
      resolve(answer);
    }
    request.on("error", () => finish(mute));
  });
}

function uptimeIn(bytes: Uint8Array): number | undefined {
  try {
    const uptime = field(JSON.parse(new TextDecoder().decode(bytes)), "uptimeMs");
    return typeof uptime === "number" && Number.isFinite(uptime) ? uptime : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined; // a page, or anything else that is not the gateway's answer
    throw error;
  }
}
