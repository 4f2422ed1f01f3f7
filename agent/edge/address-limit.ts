/**
 * How many connections one address may hold at a listener, so that one machine of a network cannot take all there are. The
 * machine itself is not held to it: there everybody has one address, and one user would shut out the other.
 */
import type { Server } from "node:net";
import type { Socket } from "node:net";
import { isLoopback, parseAddress } from "../../protocol/networks.ts";

/** A browser opens six to one name, and a socket for each host that is looked at; several people may share a machine. */
export const CONNECTIONS_PER_ADDRESS = 64;

export function limitPerAddress(server: Server, most = CONNECTIONS_PER_ADDRESS): void {
  const held = new Map<string, number>();
  server.on("connection", (socket: Socket) => {
    const address = socket.remoteAddress ?? "";
    const parsed = parseAddress(address);
    if (parsed !== undefined && isLoopback(parsed)) return;
    const count = (held.get(address) ?? 0) + 1;
    // There is nothing to answer yet: no request was read.
    if (count > most) return void socket.destroy();
    held.set(address, count);
    socket.once("close", () => {
      const left = (held.get(address) ?? 1) - 1;
      if (left > 0) held.set(address, left);
      else held.delete(address);
    });
  });
}
