/**
 * Finds the gateway of this machine: an address the user named, or the configuration that the gateway itself reads.
 * Only loopback addresses are accepted: our device key and the shared secret never go over a network. The secret is
 * returned as an opaque value; nothing here may print it.
 */
import { Buffer } from "node:buffer";
import { constants } from "node:fs";
import { open, readFile, stat, type FileHandle } from "node:fs/promises";
import { userInfo } from "node:os";
import { dirname, join } from "node:path";
import { ConfigurationSyntaxError, MAX_CONFIGURATION_CHARACTERS, parseConfiguration } from "./configuration.ts";
import type { Json5 } from "./configuration.ts";
import { GatewayCredential, MAX_SECRET_CHARACTERS } from "./credential.ts";
import { field } from "./wire.ts";

/** The gateway's own default. */
export const DEFAULT_GATEWAY_PORT = 18_789;
const ROOT = 0;

export interface DiscoverOptions {
  /** What the user typed: ws://127.0.0.1:PORT or http://127.0.0.1:PORT. */
  readonly explicitUrl?: string;
  /** A 0600 file that holds the shared token, for a gateway that we started ourselves. */
  readonly tokenFile?: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly homeDirectory: string;
  /** As whom we run; for tests. */
  readonly ownUid?: number;
}

/** `absent`: no file there. `invalid`: it does not parse. `unreadable`: another user's. */
export type ConfigurationState = "ok" | "absent" | "invalid" | "unreadable";

/** How a process that has no network of its own reaches the gateway, and sees who listens where. */
export interface NetworkView {
  /** A unix socket with the gateway's port behind it. */
  readonly socket: string;
  /** The kernel's tables of the network that the gateway listens in. */
  readonly tables: readonly string[];
}

export interface GatewayTarget {
  readonly url: string;
  readonly host: string;
  readonly port: number;
  readonly credential: GatewayCredential | undefined;
  readonly configuration: ConfigurationState;
  /** The OS user who owns the configuration, where the secret came from there. */
  readonly ownerUid: number | undefined;
  /** True when a person named this address or a configuration exists; else it is only the default place to look. */
  readonly isConfigured: boolean;
  /** Absent: it is reached as its address says. */
  readonly network?: NetworkView;
}

export class GatewayAddressError extends Error {
  override readonly name = "GatewayAddressError";
  readonly code = "gateway_address";

  constructor(reason: string) {
    super(
      `This gateway address cannot be used: ${reason}. Give the address of a gateway on this machine, for example ws://127.0.0.1:18789.`,
    );
  }
}

export interface Address {
  readonly url: string;
  readonly host: string;
  readonly port: number;
}

/** Reads what a person typed. Refuses everything but a bare loopback address, with a sentence that says why. */
export function parseGatewayAddress(text: string): Address {
  if (!URL.canParse(text)) throw new GatewayAddressError("it is not a URL");
  const url = new URL(text);
  if (url.protocol !== "ws:" && url.protocol !== "http:") {
    throw new GatewayAddressError("only ws:// and http:// addresses on this machine are supported");
  }
  if (url.username !== "" || url.password !== "") throw new GatewayAddressError("it contains a user name or password");
  if (url.search !== "" || url.hash !== "" || url.pathname !== "/") {
    throw new GatewayAddressError("it has more than a host and a port");
  }
  const isLoopback =
    url.hostname === "localhost" || url.hostname === "[::1]" || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(url.hostname);
  if (!isLoopback)
    throw new GatewayAddressError(
      "it is not on this machine, and the agent does not speak to a gateway over a network",
    );
  // The name is replaced by the number: what "localhost" means is decided by files that we do not read.
  const host = url.hostname === "localhost" ? "127.0.0.1" : url.hostname;
  if (url.port === "") throw new GatewayAddressError("it names no port, and the usual one is 18789");
  const port = Number(url.port);
  return { url: `ws://${host}:${String(port)}`, host, port };
}

/** Where the gateway should be. Reads files, opens no connection. Throws `GatewayAddressError`. */
export async function discoverGateway(options: DiscoverOptions): Promise<GatewayTarget> {
  const explicit = options.explicitUrl === undefined ? undefined : parseGatewayAddress(options.explicitUrl);
  const found = await readConfiguration(configurationPath(options), options);
  const configuredPort = portOf(options.environment["OPENCLAW_GATEWAY_PORT"]) ?? found.port ?? DEFAULT_GATEWAY_PORT;
  const address = explicit ?? parseGatewayAddress(`ws://127.0.0.1:${String(configuredPort)}`);
  // A configuration is about its own port: its secret is not shown to whoever listens on another one.
  const isOfConfiguration = options.tokenFile === undefined && address.port === configuredPort;
  const fromFile = await tokenOf(options.tokenFile);
  return {
    ...address,
    credential: fromFile ?? credentialOf(isOfConfiguration ? found : undefined, options),
    configuration: isOfConfiguration ? found.state : "absent",
    ownerUid: isOfConfiguration ? found.ownerUid : undefined,
    isConfigured: explicit !== undefined || found.state !== "absent",
  };
}

export function configurationPath(options: DiscoverOptions): string {
  const { environment } = options;
  const direct = environment["OPENCLAW_CONFIG_PATH"];
  if (direct !== undefined && direct !== "") return direct;
  const state = environment["OPENCLAW_STATE_DIR"];
  if (state !== undefined && state !== "") return join(state, "openclaw.json");
  const home = environment["OPENCLAW_HOME"];
  return join(home === undefined || home === "" ? options.homeDirectory : home, ".openclaw", "openclaw.json");
}

interface Found {
  readonly state: ConfigurationState;
  readonly ownerUid?: number;
  readonly port?: number;
  readonly authMode?: string;
  readonly token?: string;
  readonly password?: string;
}

async function readConfiguration(path: string, options: DiscoverOptions): Promise<Found> {
  let file: FileHandle;
  try {
    const links = (await mayFollow(path, options)) ? 0 : constants.O_NOFOLLOW;
    // Without O_NONBLOCK a pipe in its place would hold one of our few threads for ever.
    file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK | links);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "ENOENT" || code === "ENOTDIR") return { state: "absent" };
    if (typeof code === "string") return { state: "unreadable" }; // its owner may have made it so on purpose
    throw error;
  }
  try {
    return await readOpened(file);
  } finally {
    await file.close();
  }
}

/**
 * A link in the file's place is followed where the directory is ours or root's. Whoever else owns it could point at a
 * file of somebody whom we obey, and his gateway would be shown what stands there.
 */
async function mayFollow(path: string, { ownUid = userInfo().uid }: DiscoverOptions): Promise<boolean> {
  const { uid } = await stat(dirname(path));
  return uid === ROOT || uid === ownUid;
}

/** Whose it is and what it says, of one descriptor: the path may lead elsewhere a moment later. */
async function readOpened(file: FileHandle): Promise<Found> {
  const facts = await file.stat();
  const { size, uid: ownerUid } = facts;
  if (!facts.isFile() || size > MAX_CONFIGURATION_CHARACTERS) return { state: "invalid" };
  const { buffer, bytesRead } = await file.read(Buffer.alloc(size), 0, size, 0);
  return { ...project(buffer.subarray(0, bytesRead).toString("utf8")), ownerUid };
}

function project(text: string): Found {
  let body: Json5;
  try {
    body = parseConfiguration(text);
  } catch (error) {
    if (error instanceof ConfigurationSyntaxError) return { state: "invalid" };
    throw error;
  }
  if (typeof body !== "object" || Array.isArray(body)) return { state: "invalid" };
  const gateway = field(body, "gateway");
  const auth = field(gateway, "auth");
  const port = portOf(field(gateway, "port"));
  const authMode = textOf(field(auth, "mode"));
  const token = textOf(field(auth, "token"));
  const password = textOf(field(auth, "password"));
  return {
    state: "ok",
    ...(port === undefined ? {} : { port }),
    ...(authMode === undefined ? {} : { authMode }),
    ...(token === undefined ? {} : { token }),
    ...(password === undefined ? {} : { password }),
  };
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value.length > 0 && value.length <= MAX_SECRET_CHARACTERS ? value : undefined;
}

function portOf(value: unknown): number | undefined {
  const port = typeof value === "string" && /^\d{1,5}$/.test(value) ? Number(value) : value;
  return typeof port === "number" && Number.isInteger(port) && port > 0 && port < 65_536 ? port : undefined;
}

function credentialOf(found: Found | undefined, options: DiscoverOptions): GatewayCredential | undefined {
  const { environment } = options;
  if (found?.authMode === "none") return undefined;
  const isPassword = found?.authMode === "password";
  const written = isPassword ? found.password : found?.token;
  const named = mayNameVariables(found, options) ? environment : {};
  const value = written === undefined ? undefined : resolveReference(written, named);
  const kind = isPassword ? "password" : "token";
  const fallback = textOf(environment[isPassword ? "OPENCLAW_GATEWAY_PASSWORD" : "OPENCLAW_GATEWAY_TOKEN"]);
  const secret = value ?? fallback;
  return secret === undefined ? undefined : new GatewayCredential(kind, secret);
}

/**
 * The environment is ours. Another user's configuration could name any variable of it as its token, and the gateway,
 * which runs as that user and is hostile, would be shown the value. Ours and root's are written by people whom we obey.
 */
function mayNameVariables(found: Found | undefined, { ownUid = userInfo().uid }: DiscoverOptions): boolean {
  const ownerUid = found?.ownerUid;
  return ownerUid === undefined || ownerUid === ROOT || ownerUid === ownUid;
}

/** The whole value may be "${NAME}"; a mixture or an unset variable is no secret that we could show. */
function resolveReference(written: string, environment: DiscoverOptions["environment"]): string | undefined {
  if (!written.includes("${")) return written;
  const name = /^\$\{([A-Za-z_][A-Za-z0-9_]{0,127})\}$/.exec(written)?.[1];
  return name === undefined ? undefined : textOf(environment[name]);
}

async function tokenOf(path: string | undefined): Promise<GatewayCredential | undefined> {
  if (path === undefined) return undefined;
  const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    // Not written yet: the gateway that it belongs to is not there either.
    if (error.code === "ENOENT") return "";
    throw error;
  });
  const token = textOf(text.trim());
  return token === undefined ? undefined : new GatewayCredential("token", token);
}
