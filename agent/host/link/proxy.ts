/**
 * Which HTTP proxy, if any, stands between this host and its edge, by the environment variables that other programs of
 * the machine use. It says where to go and connects to nothing. The proxy's credentials are in what it returns and in no
 * log or message.
 */
import { BlockList, isIP } from "node:net";
import { DialError } from "./dial-error.ts";
import type { Endpoint } from "./endpoint.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

export interface Proxy {
  /** Without brackets. */
  readonly hostname: string;
  readonly port: number;
  readonly isTls: boolean;
  /** Value of the header; a secret. */
  readonly authorization: string | undefined;
}

const DEFAULT_PORTS: Readonly<Record<string, number>> = { "http:": 80, "https:": 443 };

/** Undefined for a direct connection. @throws {DialError} code `proxy_invalid`; the value is not quoted, it may hold a password */
export function proxyFor(endpoint: Endpoint, environment: Environment): Proxy | undefined {
  const text = environment["https_proxy"] ?? environment["HTTPS_PROXY"] ?? "";
  const except = environment["no_proxy"] ?? environment["NO_PROXY"] ?? "";
  if (text === "" || isLoopback(endpoint.hostname) || isExcepted(endpoint, except)) return undefined;
  return parseProxy(text);
}

/** What of the environment counts for a host: beside its own edge it needs no proxy, whatever address that edge has. */
export function environmentOf({ colocated }: { readonly colocated: boolean }, environment: Environment): Environment {
  return colocated ? {} : environment;
}

/** For people: never the credentials. */
export function nameOfProxy({ hostname, port }: Proxy): string {
  return authorityOf({ hostname, port });
}

/** `host:port`, with brackets where an address needs them. */
export function authorityOf({ hostname, port }: Pick<Endpoint, "hostname" | "port">): string {
  return `${isIP(hostname) === 6 ? `[${hostname}]` : hostname}:${String(port)}`;
}

function parseProxy(text: string): Proxy {
  // The convention allows a bare host:port.
  const url = URL.parse(/^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`);
  const defaultPort = url === null ? undefined : DEFAULT_PORTS[url.protocol];
  if (url === null || defaultPort === undefined || url.hostname === "") throw new DialError("proxy_invalid");
  return {
    hostname: url.hostname.replace(/^\[|\]$/g, ""),
    port: url.port === "" ? defaultPort : Number(url.port),
    isTls: url.protocol === "https:",
    authorization: authorizationOf(url),
  };
}

function authorizationOf({ username, password }: URL): string | undefined {
  if (username === "" && password === "") return undefined;
  try {
    const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
    return `Basic ${Buffer.from(pair, "utf8").toString("base64")}`;
  } catch (error) {
    if (!(error instanceof URIError)) throw error;
    throw new DialError("proxy_invalid");
  }
}

/** An edge on this very machine is never behind a proxy, whatever the environment says of other addresses. */
function isLoopback(hostname: string): boolean {
  if (hostname === "localhost" || hostname.endsWith(".localhost")) return true;
  return hostname === "::1" || (isIP(hostname) === 4 && hostname.startsWith("127."));
}

/** Entries between commas: `*`, a name (and all below it), `.name`, an address, `address/bits`; each with `:port` or without. */
function isExcepted(endpoint: Endpoint, list: string): boolean {
  return list
    .split(",")
    .map((entry) => entry.trim().toLowerCase())
    .some((entry) => entry !== "" && matches(endpoint, entry));
}

function matches({ hostname, port }: Endpoint, entry: string): boolean {
  if (entry === "*") return true;
  const [, bracketed, bare = "", portText] =
    /^(?:\[([0-9a-f:]+)\]|([^:]*|[0-9a-f:]+(?:\/\d+)?))(?::(\d+))?$/.exec(entry) ?? [];
  const isWhole = isIP(entry) !== 0 || isIP(entry.split("/")[0] ?? "") === 6; // its last group is no port
  const pattern = bracketed ?? (isWhole ? entry : bare);
  if (!isWhole && portText !== undefined && Number(portText) !== port) return false;
  const own = hostname.toLowerCase();
  if (isIP(own) !== 0) return pattern === own || isInRange(own, pattern);
  const name = pattern.replace(/^\*?\./, "");
  return name !== "" && (own === name || own.endsWith(`.${name}`));
}

function isInRange(address: string, pattern: string): boolean {
  const [network = "", bits] = pattern.split("/");
  const family = isIP(network);
  const most = family === 6 ? 128 : 32;
  if (family === 0 || bits === undefined || !/^\d{1,3}$/.test(bits) || Number(bits) > most) return false;
  const range = new BlockList();
  const kind = family === 6 ? "ipv6" : "ipv4";
  range.addSubnet(network, Number(bits), kind);
  return range.check(address, isIP(address) === 6 ? "ipv6" : "ipv4");
}
