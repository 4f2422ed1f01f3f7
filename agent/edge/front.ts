/**
 * The two listeners of a local edge, taken together or not at all. Ports are taken before anything is announced:
 * browsers resolve our name to ::1 first, so a program that held only that address could serve pages in our origin.
 */

import type { Server } from "node:http";
import type { Server as TlsServer } from "node:https";
import { createAgentFront, replaceCertificate } from "./agent-front.ts";
import type { KeyPair } from "./certificates.ts";
import type { EdgeLog } from "./edge-log.ts";
import type { Upstream } from "./forward.ts";
import { openUpstream, workerDoor } from "./forward.ts";
import { WANTED_OPEN_FILES, listen, maxConnections, readOpenFileLimit } from "./listen.ts";
import { DASHBOARD_HOSTNAME, hostHeader, IPV4_LOOPBACK, takeLoopback, trackConnections } from "./loopback.ts";
import { readStaticFiles } from "./static-files.ts";
import type { OwnDoor } from "./web-front.ts";
import { createWebFront } from "./web-front.ts";

export interface FrontOptions {
  /** 0: any free port (tests). */
  readonly port: number;
  readonly agentPort: number;
  /** One more address of this machine, for agents and for a dashboard of class daily. */
  readonly bind: string | undefined;
  readonly webDirectory: string;
  /** On the dashboard's own name only: what it knows is for the signer. */
  readonly own: OwnDoor | undefined;
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
  const api = workerDoor(upstream);
  const make = (hostname: string, own?: OwnDoor): Server => {
    const server = createWebFront({ files, host: () => hostHeader(hostname, port), api, own });
    add(server);
    return server;
  };
  const place = { port, flag: "--port", log: options.log };
  port = await takeLoopback(() => make(DASHBOARD_HOSTNAME, options.own), place);
  if (options.bind !== undefined) await listen(make(options.bind), { port, address: options.bind, flag: "--port" });
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
