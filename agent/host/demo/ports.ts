/** Finds a free loopback port. Between finding and use another program may take it; the start then fails and says so. */
import { createHash } from "node:crypto";
import { createServer } from "node:net";
import { DemoError } from "./trouble.ts";

/** Apart from a real gateway's default (18789), so that the demo never meets one. */
export const FIRST_DEMO_PORT = 28_789;
const PORTS_TO_TRY = 64;

/**
 * Where to begin to look for the demo of one data directory: the same at every start, and another for another
 * directory, so that two installations that start together do not reach for one port between finding and use.
 */
export function firstPortOf(dataDirectory: string): number {
  const spread = createHash("sha256").update(dataDirectory).digest().readUInt16BE(0) % 32;
  return FIRST_DEMO_PORT + spread * PORTS_TO_TRY;
}

export async function findFreePort(first: number = FIRST_DEMO_PORT): Promise<number> {
  for (let port = first; port < first + PORTS_TO_TRY; port += 1) {
    // The gateway listens on both addresses, so both must be free.
    if ((await isFree(port, "127.0.0.1")) && (await isFree(port, "::1"))) return port;
  }
  throw new DemoError(
    "demo_no_port",
    `No free port for the demo gateway between ${String(first)} and ${String(first + PORTS_TO_TRY - 1)}. Stop a program that listens there, or start with --gateway none.`,
  );
}

function isFree(port: number, host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    // A machine without IPv6 has nobody on ::1 either.
    server.once("error", (error: NodeJS.ErrnoException) =>
      resolve(error.code === "EADDRNOTAVAIL" || error.code === "EAFNOSUPPORT"),
    );
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(true)));
  });
}
