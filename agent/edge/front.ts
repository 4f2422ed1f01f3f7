/**
 * The two listeners of a local edge, taken together or not at all. Ports are taken before anything is announced:
 * browsers resolve our name to ::1 first, so a program that held only that address could serve pages in our origin.
 */

import type { Server } from "node:http";
import type { Server as TlsServer } from "node:https";
import { createAgentFront, replaceCertificate } from "./agent-front.ts";
import type { BoundFront, BoundFrontOptions } from "./bind/bound-front.ts";
import { takeBoundFront } from "./bind/bound-front.ts";
import type { KeyPair } from "./certificates.ts";
import type { CertificateCode } from "./client-certificate.ts";
import type { EdgeLog } from "./edge-log.ts";
import type { Upstream } from "./forward.ts";
import { closeUpstream, openUpstream, workerDoor } from "./forward.ts";
import { listen } from "./listen.ts";
import { DASHBOARD_HOSTNAME, hostHeader, IPV4_LOOPBACK, takeLoopback, trackConnections } from "./loopback.ts";
import type { ReleaseFiles } from "./release-files.ts";
import type { StaticFiles } from "./static-files.ts";
import { readStaticFiles } from "./static-files.ts";
import type { Traffic, TrafficDoor } from "./traffic.ts";
import type { ApiDoor, OwnDoor } from "./web-front.ts";
import { createWebFront } from "./web-front.ts";

export interface FrontOptions {
  /** 0: any free port (tests). */
  readonly port: number;
  readonly agentPort: number;
  /** Where else to listen, for agents and for a dashboard of class daily. */
  readonly bind: BoundFrontOptions | undefined;
  readonly webDirectory: string;
  /** What a machine that becomes a host fetches. */
  readonly releases: ReleaseFiles;
  /** On the dashboard's own name only: what it knows is for the signer. */
  readonly own: OwnDoor | undefined;
  readonly certificate: KeyPair;
  /** PEM. */
  readonly clientAuthority: string;
  readonly now: () => Date;
  readonly log: EdgeLog;
  /** Counts, and bounds connections. */
  readonly traffic: Traffic;
}

export interface Front {
  readonly port: number;
  readonly agentPort: number;
  /** Until this is called, forwarded paths answer 503. */
  open(sockets: { readonly web: string; readonly agent: string }): void;
  renewCertificate(certificate: KeyPair): void;
  /** Undefined without `bind`. */
  readonly bound: BoundFront | undefined;
  close(): Promise<void>;
}

export async function takeFront(options: FrontOptions): Promise<Front> {
  const { traffic } = options;
  const upstreams: { web?: Upstream; agent?: Upstream } = {};
  const webServers: Server[] = [];
  const agentServers: TlsServer[] = [];
  const closers: (() => Promise<void>)[] = [];
  const close = async (): Promise<void> => {
    for (const upstream of Object.values(upstreams)) closeUpstream(upstream);
    await Promise.all(closers.splice(0).map((closeServer) => closeServer()));
  };
  const add =
    <Kind extends Server | TlsServer>(servers: Kind[], door: TrafficDoor) =>
    (server: Kind): void => {
      servers.push(server);
      traffic.watch(server, door);
      closers.push(trackConnections(server));
    };
  try {
    const files = readStaticFiles(options.webDirectory);
    const api = workerDoor(() => upstreams.web);
    const port = await takeWeb(options, { add: add(webServers, "dashboard"), files, api });
    const agentPort = await takeAgents(options, add(agentServers, "agents"), () => upstreams.agent);
    const { clientAuthority } = options;
    const makeAgents = (certificate: KeyPair): TlsServer => makeAgentFront(options, certificate, () => upstreams.agent);
    const watch = (server: TlsServer, door: TrafficDoor): void => traffic.watch(server, door);
    const parts = { port, agentPort, files, api, makeAgents, clientAuthority, watch };
    const bound = options.bind === undefined ? undefined : await takeBoundFront(options.bind, parts);
    if (bound !== undefined) closers.push(() => bound.close());
    return {
      port,
      agentPort,
      open({ web, agent }) {
        const counted = (path: string, door: TrafficDoor): Upstream =>
          openUpstream(path, (status, socket) => traffic.upgraded(door, status, socket));
        upstreams.web = counted(web, "dashboard");
        upstreams.agent = counted(agent, "agents");
      },
      renewCertificate(certificate) {
        for (const server of agentServers) replaceCertificate(server, certificate, options.clientAuthority);
        bound?.renewAgents(certificate);
      },
      bound,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

interface WebParts {
  readonly add: (server: Server) => void;
  readonly files: StaticFiles;
  readonly api: ApiDoor;
}

async function takeWeb(options: FrontOptions, { add, files, api }: WebParts): Promise<number> {
  let { port } = options;
  const make = (): Server => {
    const server = createWebFront({ files, host: () => hostHeader(DASHBOARD_HOSTNAME, port), api, own: options.own });
    add(server);
    return server;
  };
  port = await takeLoopback(make, { port, flag: "--port", log: options.log });
  return port;
}

async function takeAgents(
  options: FrontOptions,
  add: (server: TlsServer) => void,
  upstream: () => Upstream | undefined,
): Promise<number> {
  const server = makeAgentFront(options, options.certificate, upstream);
  add(server);
  return listen(server, { port: options.agentPort, address: IPV4_LOOPBACK, flag: "--agent-port" });
}

function makeAgentFront(
  { clientAuthority, now, traffic, releases }: FrontOptions,
  certificate: KeyPair,
  upstream: () => Upstream | undefined,
): TlsServer {
  const onRefused = (code: CertificateCode): void => traffic.tlsRefused(code);
  return createAgentFront({ certificate, clientAuthority, now, upstream, onRefused, releases });
}
