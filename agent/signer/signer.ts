/**
 * A signer: the dashboard from the installed package, served on this person's own machine, in front of an edge that is
 * somewhere else. The edge carries messages and serves no page here. Composes the parts and holds no rule of its own.
 */
import type { Server } from "node:http";
import type { Socket } from "node:net";
import type { EdgeLog } from "../edge/edge-log.ts";
import { maxConnections, readOpenFileLimit } from "../edge/listen.ts";
import { DASHBOARD_HOSTNAME, hostHeader, takeLoopback, trackConnections } from "../edge/loopback.ts";
import { readStaticFiles } from "../edge/static-files.ts";
import { createWebFront } from "../edge/web-front.ts";
import type { AccessToken } from "./access-token.ts";
import type { ClientCertificate } from "./client-certificate.ts";
import type { EdgeAddress } from "./edge-address.ts";
import { edgeDoor } from "./forward.ts";
import { memoryDoor } from "./memory-door.ts";
import type { Memory } from "./memory.ts";
import { isOwnProgram } from "./peer.ts";

export interface SignerOptions {
  readonly edge: EdgeAddress;
  /** Typed by a person, now or earlier; undefined while it is about to be founded. */
  readonly workspace: string | undefined;
  /** Remembers the workspace whose root the page here has just made. */
  readonly onFounded?: (workspace: string) => Promise<void>;
  readonly memory: Memory;
  /** 0: any free port (tests). */
  readonly port: number;
  readonly webDirectory: string;
  /** PEM of the authorities that may vouch for an https edge. */
  readonly authorities: readonly string[];
  readonly certificate?: ClientCertificate | undefined;
  readonly access: AccessToken | undefined;
  /** Whose programs may use it. */
  readonly uid: number;
  readonly log: EdgeLog;
}

export interface Signer {
  /** e.g. `http://clawhold.localhost:4470`. */
  readonly origin: string;
  /** Leaves no taken port. */
  stop(): Promise<void>;
}

/** Both loopback addresses are taken before anybody learns the address; when one is not to be had, none stays taken. */
export async function startSigner(options: SignerOptions): Promise<Signer> {
  const files = readStaticFiles(options.webDirectory);
  const closers: (() => Promise<void>)[] = [];
  let port = options.port;
  const host = (): string => hostHeader(DASHBOARD_HOSTNAME, port);
  const { edge, authorities, certificate, log } = options;
  const door = edgeDoor({ edge, authorities, certificate, access: options.access?.headers() ?? [], port: () => port });
  let { workspace } = options;
  const { onFounded } = options;
  const own = memoryDoor({
    memory: options.memory,
    workspace: () => workspace,
    ...(onFounded === undefined
      ? {}
      : {
          onFounded: async (founded: string) => {
            workspace = founded; // at once: of two, one is the first
            await onFounded(founded);
          },
        }),
    edge: edge.url,
    onConflict: (path) => log({ level: "warn", code: "older_history", detail: olderHistory(edge.url, path) }),
    onFault: (detail) => log({ level: "error", code: "memory_fault", detail }),
  });
  const make = (): Server => {
    const server = createWebFront({ files, host, api: door, own });
    server.on("connection", (socket: Socket) => {
      if (!isOurs(socket, options.uid)) socket.destroy();
    });
    server.maxConnections = maxConnections(readOpenFileLimit());
    closers.push(trackConnections(server));
    return server;
  };
  const stop = async (): Promise<void> => {
    door.close();
    await Promise.all(closers.splice(0).map((close) => close()));
  };
  try {
    port = await takeLoopback(make, { port, flag: "--port", log });
    return { origin: `http://${host()}`, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function isOurs({ remoteAddress, remotePort, localAddress, localPort }: Socket, uid: number): boolean {
  if (remoteAddress === undefined || remotePort === undefined) return false; // gone already
  if (localAddress === undefined || localPort === undefined) return false;
  const peer = { address: remoteAddress, port: remotePort };
  return isOwnProgram({ peer, own: { address: localAddress, port: localPort } }, uid);
}

function olderHistory(edge: string, path: string): string {
  return `${edge} shows an older or another history of the workspace than this machine has seen. Approve nothing there. Compare with another machine of yours. What this machine has seen is in ${path}`;
}
