/** Where an edge's agents' listener is, and how a TLS connection to it is opened. Shared by joining and tunnelling. */
import { isIP } from "node:net";

export interface Endpoint {
  /** Without brackets. */
  readonly hostname: string;
  readonly port: number;
  /** For SNI: absent for addresses, which have none. */
  readonly servername: string | undefined;
}

const HTTPS_PORT = 443;

/** Reads `wss://host:port`. */
export function parseEndpoint(edge: string): Endpoint {
  const url = new URL(edge);
  const hostname = url.hostname.replace(/^\[|\]$/g, "");
  return {
    hostname,
    port: url.port === "" ? HTTPS_PORT : Number(url.port),
    servername: isIP(hostname) === 0 ? hostname : undefined,
  };
}
