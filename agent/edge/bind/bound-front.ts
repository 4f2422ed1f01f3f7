/**
 * What stands on an address of `--bind`: the agents' listener, and the dashboard where it has a name. Both are taken
 * together or not at all. May not: serve the dashboard in the clear there, or without a name.
 */
import type { Server as TlsServer } from "node:https";
import { replaceCertificate } from "../agent-front.ts";
import type { KeyPair } from "../certificates.ts";
import { listen } from "../listen.ts";
import { hostHeader, trackConnections } from "../loopback.ts";
import type { StaticFiles } from "../static-files.ts";
import type { TrafficDoor } from "../traffic.ts";
import type { ApiDoor } from "../web-front.ts";
import type { BindTarget } from "./address.ts";
import type { BindNews, Bound, Taken } from "./bound.ts";
import { takeBound } from "./bound.ts";
import type { BrowserGate } from "./browser-certificates.ts";
import type { ReadInterfaces } from "./interfaces.ts";
import { createNamedFront, replacePair } from "./named-front.ts";

export interface NamedDashboard {
  readonly name: string;
  readonly pair: KeyPair;
  /** Undefined: any browser may open it. */
  readonly gate: BrowserGate | undefined;
}

/** What a person asked for. */
export interface BoundFrontOptions {
  readonly target: BindTarget;
  readonly allowPublic: boolean;
  readonly interfaces: ReadInterfaces;
  /** Undefined: agents only. */
  readonly dashboard: NamedDashboard | undefined;
  /** The agents' certificate with these addresses in it. */
  readonly certify: (addresses: readonly string[]) => Promise<KeyPair>;
  readonly news: (news: BindNews) => void;
}

/** What the front already has. */
export interface FrontParts {
  readonly port: number;
  readonly agentPort: number;
  readonly files: StaticFiles;
  readonly api: ApiDoor;
  readonly makeAgents: (certificate: KeyPair) => TlsServer;
  /** PEM. */
  readonly clientAuthority: string;
  /** Counts, and bounds connections. */
  readonly watch: (server: TlsServer, door: TrafficDoor) => void;
}

export interface BoundFront extends Bound {
  renewAgents(certificate: KeyPair): void;
  renewDashboard(pair: KeyPair): void;
}

/** @throws {EdgeError} */
export async function takeBoundFront(options: BoundFrontOptions, parts: FrontParts): Promise<BoundFront> {
  const servers = new Servers(options, parts, await options.certify([]));
  const bound = await takeBound({
    ...options,
    prepare: async (addresses) => servers.renewAgents(await options.certify(addresses)),
    take: (address) => servers.take(address),
  });
  return {
    get addresses() {
      return bound.addresses;
    },
    look: () => bound.look(),
    close: () => bound.close(),
    renewAgents: (certificate) => servers.renewAgents(certificate),
    renewDashboard: (pair) => servers.renewDashboard(pair),
  };
}

/** Browsers leave the default port of https out. */
export function hostOf(name: string, port: number): string {
  return port === 443 ? name : hostHeader(name, port);
}

class Servers {
  readonly #parts: FrontParts;
  readonly #agents = new Set<TlsServer>();
  readonly #dashboards = new Set<TlsServer>();
  #certificate: KeyPair;
  #dashboard: NamedDashboard | undefined;

  constructor(options: BoundFrontOptions, parts: FrontParts, certificate: KeyPair) {
    this.#parts = parts;
    this.#certificate = certificate;
    this.#dashboard = options.dashboard;
  }

  renewAgents(certificate: KeyPair): void {
    this.#certificate = certificate;
    for (const server of this.#agents) replaceCertificate(server, certificate, this.#parts.clientAuthority);
  }

  renewDashboard(pair: KeyPair): void {
    if (this.#dashboard === undefined) return;
    this.#dashboard = { ...this.#dashboard, pair };
    for (const server of this.#dashboards) replacePair(server, pair, this.#dashboard.gate);
  }

  async take(address: string): Promise<Taken> {
    const { port, agentPort, makeAgents } = this.#parts;
    const agents = await this.#open(makeAgents(this.#certificate), this.#agents, {
      port: agentPort,
      address,
      flag: "--agent-port",
    });
    if (this.#dashboard === undefined) return { close: agents };
    try {
      const server = this.#named(this.#dashboard);
      const dashboard = await this.#open(server, this.#dashboards, { port, address, flag: "--port" });
      return {
        close: async () => {
          await Promise.all([agents(), dashboard()]);
        },
      };
    } catch (error) {
      await agents();
      throw error;
    }
  }

  #named({ name, pair, gate }: NamedDashboard): TlsServer {
    const { port, files, api } = this.#parts;
    return createNamedFront({ web: { files, host: () => hostOf(name, port), api }, pair, gate });
  }

  async #open(
    server: TlsServer,
    open: Set<TlsServer>,
    place: Parameters<typeof listen>[1],
  ): Promise<() => Promise<void>> {
    const close = trackConnections(server);
    this.#parts.watch(server, place.flag === "--port" ? "dashboard" : "agents");
    await listen(server, place);
    open.add(server);
    return async () => {
      open.delete(server);
      await close();
    };
  }
}
