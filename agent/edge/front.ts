/**
 * The two listeners of a local edge, taken together or not at all. Ports are taken before anything is announced:
 * browsers resolve our name to ::1 first, so a program that held only that address could serve pages in our origin.
 */

import type { Server } from "node:http";
import type { Server as TlsServer } from "node:https";
import type { Socket } from "node:net";
import { createAgentFront, replaceCertificate } from "./agent-front.ts";
import type { KeyPair } from "./certificates.ts";
import type { EdgeLog } from "./edge-log.ts";
import type { Upstream } from "./forward.ts";
import { openUpstream } from "./forward.ts";
import { WANTED_OPEN_FILES, isAddressAbsent, listen, maxConnections, readOpenFileLimit } from "./listen.ts";
import { readStaticFiles } from "./static-files.ts";
import { createWebFront } from "./web-front.ts";

/** Its own name, not `localhost`: cookies and passkeys of plain localhost are shared by every program's port. */
export const DASHBOARD_HOSTNAME = "clawhold.localhost";

const IPV4_LOOPBACK = "127.0.0.1";
const IPV6_LOOPBACK = "::1";

export interface FrontOptions {
  /** 0: any free port (tests). */
  readonly port: number;
  readonly agentPort: number;
  /** One more address of this machine, for agents and for a dashboard of class daily. */
  readonly bind: string | undefined;
  readonly webDirectory: string;
  readonly certificate: KeyPair;
  /** PEM. */
  readonly clientAuthority: string;
  readonly now: () => Date;
  readonly log: EdgeLog;
}

export interface Front {
  readonly port: number;
  readonly agentPort: number;
  /** Until this is called, forwarded paths answer 503. */
  open(sockets: { readonly web: string; readonly agent: string }): void;
  renewCertificate(certificate: KeyPair): void;
  close(): Promise<void>;
}

export async function takeFront(options: FrontOptions): Promise<Front> {
  const upstreams: { web?: Upstream; agent?: Upstream } = {};
  const webServers: Server[] = [];
  const agentServers: TlsServer[] = [];
  const closers: (() => Promise<void>)[] = [];
  const close = async (): Promise<void> => {
    upstreams.web?.agent.destroy();
    upstreams.agent?.agent.destroy();
    await Promise.all(closers.splice(0).map((closeServer) => closeServer()));
  };
  const add =
    <Kind extends Server | TlsServer>(servers: Kind[]) =>
    (server: Kind): void => {
      servers.push(server);
      closers.push(trackConnections(server));
    };
  try {
    const port = await takeWeb(options, add(webServers), () => upstreams.web);
    const agentPort = await takeAgents(options, add(agentServers), () => upstreams.agent);
    limitConnections([...webServers, ...agentServers], options.log);
    return {
      port,
      agentPort,
      open({ web, agent }) {
        upstreams.web = openUpstream(web);
        upstreams.agent = openUpstream(agent);
      },
      renewCertificate(certificate) {
        for (const server of agentServers) replaceCertificate(server, certificate, options.clientAuthority);
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function takeWeb(
  options: FrontOptions,
  add: (server: Server) => void,
  upstream: () => Upstream | undefined,
): Promise<number> {
  const files = readStaticFiles(options.webDirectory);
  let port = options.port;
  const take = async (address: string, hostname: string): Promise<void> => {
    const server = createWebFront({ files, host: () => hostHeader(hostname, port), upstream });
    add(server);
    port = await listen(server, { port, address, flag: "--port" });
  };
  await take(IPV4_LOOPBACK, DASHBOARD_HOSTNAME);
  try {
    await take(IPV6_LOOPBACK, DASHBOARD_HOSTNAME);
  } catch (error) {
    if (!isAddressAbsent(error)) throw error;
    options.log({ level: "info", code: "ipv6_absent", detail: "this machine has no ::1; listening on 127.0.0.1 only" });
  }
  if (options.bind !== undefined) await take(options.bind, options.bind);
  return port;
}

async function takeAgents(
  options: FrontOptions,
  add: (server: TlsServer) => void,
  upstream: () => Upstream | undefined,
): Promise<number> {
  let port = options.agentPort;
  const addresses = options.bind === undefined ? [IPV4_LOOPBACK] : [IPV4_LOOPBACK, options.bind];
  for (const address of addresses) {
    const { certificate, clientAuthority, now } = options;
    const server = createAgentFront({ certificate, clientAuthority, now, upstream });
    add(server);
    port = await listen(server, { port, address, flag: "--agent-port" });
  }
  return port;
}

/** Browsers leave the default port out. */
export function hostHeader(hostname: string, port: number): string {
  const shown = hostname.includes(":") ? `[${hostname}]` : hostname;
  return port === 80 ? shown : `${shown}:${port}`;
}

function limitConnections(servers: readonly (Server | TlsServer)[], log: EdgeLog): void {
  const limit = readOpenFileLimit();
  for (const server of servers) server.maxConnections = maxConnections(limit);
  if (limit === undefined || limit >= WANTED_OPEN_FILES) return;
  log({
    level: "warn",
    code: "few_open_files",
    detail: `this process may open ${limit} files; many hosts need ${WANTED_OPEN_FILES} or more. Raise it with: ulimit -n ${WANTED_OPEN_FILES}`,
  });
}

/** Every connection a server took, upgraded ones included: Node forgets those, and a close would wait for them for ever. */
function trackConnections(server: Server | TlsServer): () => Promise<void> {
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
