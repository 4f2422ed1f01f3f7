/**
 * What a front needs once a connection is a WebSocket and no HTTP exchange any more: heads written by hand, bytes that
 * came too early, two sockets made one. Looks at no frame; who may talk to whom was decided before.
 */

import { STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";

/** Finds peers that vanished without a word (sleeping laptops, lost networks). */
const KEEPALIVE_MILLISECONDS = 30_000;

/** A client may speak before the upgrade is answered, but has nothing to say yet. */
const MAX_EARLY_BYTES = 4_096;

export function rawHead(status: number, headers: readonly string[]): string {
  const lines = [`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}`];
  for (let index = 0; index + 1 < headers.length; index += 2) lines.push(`${headers[index]}: ${headers[index + 1]}`);
  return `${lines.join("\r\n")}\r\n\r\n`;
}

/** A socket that nobody reads does not tell that its client has gone, so it is read while the Worker thinks. */
export function collectEarly(socket: Duplex, head: Uint8Array): { stop(): readonly Uint8Array[] } {
  const chunks: Uint8Array[] = [head];
  let bytes = head.length;
  const collect = (chunk: Uint8Array): void => {
    bytes += chunk.length;
    chunks.push(chunk);
    if (bytes > MAX_EARLY_BYTES) socket.destroy();
  };
  const leave = (): void => void socket.destroy();
  socket.on("data", collect);
  socket.on("end", leave);
  return {
    stop() {
      socket.pause();
      socket.off("data", collect);
      socket.off("end", leave);
      return chunks.filter((chunk) => chunk.length > 0);
    },
  };
}

export function joinSockets(client: Duplex, upstream: Socket): void {
  for (const socket of [client, upstream]) {
    if (isNetSocket(socket)) {
      socket.setTimeout(0);
      socket.setNoDelay(true);
      socket.setKeepAlive(true, KEEPALIVE_MILLISECONDS);
    }
    const other = socket === client ? upstream : client;
    socket.on("error", () => other.destroy());
    socket.on("close", () => other.destroy());
  }
  client.pipe(upstream);
  upstream.pipe(client);
}

function isNetSocket(socket: Duplex): socket is Socket {
  return "setNoDelay" in socket;
}
