/**
 * The dashboard's name and the two addresses behind it, taken together or not at all: browsers resolve the name to ::1
 * first, so a program that held only that address could serve pages in our origin.
 */

import type { Server } from "node:http";
import type { Server as TlsServer } from "node:https";
import type { Socket } from "node:net";
import type { EdgeLog } from "./edge-log.ts";
import { isAddressAbsent, listen } from "./listen.ts";

/** Its own name, not `localhost`: cookies and passkeys of plain localhost are shared by every program's port. */
export const DASHBOARD_HOSTNAME = "clawhold.localhost";

export const IPV4_LOOPBACK = "127.0.0.1";
const IPV6_LOOPBACK = "::1";

export interface LoopbackPlace {
  /** 0: any free port (tests). */
  readonly port: number;
  /** The flag that chooses this port, for the message. */
  readonly flag: string;
  readonly log: EdgeLog;
}

/** One server an address. The port that both took. */
export async function takeLoopback(make: () => Server, { port, flag, log }: LoopbackPlace): Promise<number> {
  const taken = await listen(make(), { port, address: IPV4_LOOPBACK, flag });
  try {
    await listen(make(), { port: taken, address: IPV6_LOOPBACK, flag });
  } catch (error) {
    if (!isAddressAbsent(error)) throw error;
    log({ level: "info", code: "ipv6_absent", detail: "this machine has no ::1; listening on 127.0.0.1 only" });
  }
  return taken;
}

/** Browsers leave the default port out. */
export function hostHeader(hostname: string, port: number): string {
  const shown = hostname.includes(":") ? `[${hostname}]` : hostname;
  return port === 80 ? shown : `${shown}:${port}`;
}

/** Every connection a server took, upgraded ones included: Node forgets those, and a close would wait for them for ever. */
export function trackConnections(server: Server | TlsServer): () => Promise<void> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  return () =>
    new Promise((resolve) => {
      server.close(() => resolve());
      for (const socket of sockets) socket.destroy();
    });
}
