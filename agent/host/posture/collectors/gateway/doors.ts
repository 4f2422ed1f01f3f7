/**
 * Web servers of this machine that others can reach, each looked at twice: whether the gateway stands behind it, and whether it
 * hands out what lies in its root directory. Nothing is sent but GETs without any secret; of an answer only what decides is kept.
 */
import type { ListeningSocket } from "../../../gateway/listening.ts";
import { field } from "../../../gateway/wire.ts";
import { parseConfigText } from "../../../gateway/config-file.ts";
import type { HttpTried, Machine } from "../../machine.ts";
import { inUrl, knockAddress } from "./sockets.ts";

/** More than any machine that is one gateway's has; the rest would be said to be unseen. */
export const MAX_DOORS = 24;
const MAX_NAMES = 8;
const DOOR_MILLISECONDS = 1_200;
/** Two clocks of the same gateway, read one after the other on a busy machine. */
const SAME_MILLISECONDS = 5_000;
/** They speak first, or not HTTP: a GET would only write it in a log. */
const OTHER_PORTS: ReadonlySet<number> = new Set([
  22, 25, 53, 110, 111, 139, 143, 445, 465, 587, 993, 995, 2049, 3306, 5432, 6379,
]);

export interface Door {
  readonly address: string;
  readonly port: number;
  /** Undefined: it does not speak HTTP. */
  readonly scheme: "http" | "https" | undefined;
  /** The gateway's port that answers through it. */
  readonly leadsTo: number | undefined;
  /** The name it was asked under, where only that one leads there. */
  readonly name: string | undefined;
  /** What it hands out, in words of ours. */
  readonly exposes: readonly string[];
}

export interface Behind {
  readonly port: number;
  readonly uptimeMilliseconds: number;
}

export function openDoors(sockets: readonly ListeningSocket[]): readonly ListeningSocket[] {
  const open = sockets.filter(({ loopback, port }) => !loopback && !OTHER_PORTS.has(port));
  // One server on both families, or on several addresses, is one door each; an address that stands for all covers the rest.
  return open.filter((one, index) => index === open.findIndex((other) => isSameDoor(other, one)));
}

function isSameDoor(left: ListeningSocket, right: ListeningSocket): boolean {
  if (left.port !== right.port) return false;
  return left.address === right.address || (isAny(left.address) && isAny(right.address) && left.uid === right.uid);
}

function isAny(address: string): boolean {
  return address === "0.0.0.0" || address === "::";
}

/** What answers on the gateway's own port of loopback, to be recognised elsewhere. */
export async function behindPort(machine: Machine, port: number): Promise<Behind | undefined> {
  for (const host of ["127.0.0.1", "[::1]"]) {
    const uptime = uptimeIn(await machine.http(`http://${host}:${String(port)}/readyz`));
    if (uptime !== undefined) return { port, uptimeMilliseconds: uptime };
  }
  return undefined;
}

function uptimeIn({ outcome, body }: HttpTried): number | undefined {
  if (outcome !== "answered" || body === undefined) return undefined;
  try {
    const uptime = field(JSON.parse(body), "uptimeMs");
    return typeof uptime === "number" && Number.isFinite(uptime) ? uptime : undefined;
  } catch {
    return undefined; // a page
  }
}

export interface LookAtDoor {
  readonly machine: Machine;
  readonly socket: ListeningSocket;
  readonly behind: readonly Behind[];
  /** Names under which this machine's web servers answer. */
  readonly names: readonly string[];
}

export async function lookAtDoor({ machine, socket, behind, names }: LookAtDoor): Promise<Door> {
  const { address, port } = socket;
  const base = { address, port, leadsTo: undefined, name: undefined, exposes: [] };
  const scheme = await schemeOf(machine, socket);
  if (scheme === undefined) return { ...base, scheme };
  const own = behind.find((one) => one.port === port);
  const asked = [undefined, ...names.slice(0, MAX_NAMES)];
  for (const name of own === undefined ? asked : []) {
    const url = `${scheme}://${inUrl(knockAddress(address))}:${String(port)}/readyz`;
    const uptime = uptimeIn(await get(machine, url, name));
    const gateway = behind.find(
      (one) => uptime !== undefined && Math.abs(one.uptimeMilliseconds - uptime) < SAME_MILLISECONDS,
    );
    if (gateway !== undefined) return { ...base, scheme, leadsTo: gateway.port, name };
  }
  const exposes = new Set<string>();
  for (const name of asked) for (const what of await exposedBy(machine, { scheme, socket, name })) exposes.add(what);
  return { ...base, scheme, exposes: [...exposes] };
}

async function schemeOf(machine: Machine, { address, port }: ListeningSocket): Promise<Door["scheme"]> {
  for (const scheme of ["http", "https"] as const) {
    const url = `${scheme}://${inUrl(knockAddress(address))}:${String(port)}/`;
    const { outcome, body } = await machine.http(url, { milliseconds: DOOR_MILLISECONDS });
    // A server that wants TLS says so in the clear.
    const wantsTls =
      scheme === "http" && /plain HTTP request was sent to HTTPS|HTTP request to an HTTPS server/i.test(body ?? "");
    if (outcome === "answered" && !wantsTls) return scheme;
  }
  return undefined;
}

function get(machine: Machine, url: string, name: string | undefined): Promise<HttpTried> {
  return machine.http(url, {
    milliseconds: DOOR_MILLISECONDS,
    ...(name === undefined ? {} : { headers: { host: name } }),
  });
}

/** Paths that tell, and how an answer is recognised that is no page of an application. */
const treasures: readonly { readonly path: string; readonly what: string; readonly isIt: (body: string) => boolean }[] =
  [
    { path: "/", what: "a list of the files in its root directory (/)", isIt: isDirectoryListing },
    {
      path: "/.env",
      what: "/.env",
      isIt: (body) => /^\s*(?:export\s+)?[A-Z][A-Z0-9_]{2,}\s*=/m.test(body) && !isPage(body),
    },
    { path: "/.git/config", what: "/.git/config", isIt: (body) => /^\[core\]/m.test(body) },
    { path: "/.openclaw/openclaw.json", what: "/.openclaw/openclaw.json", isIt: isConfiguration },
    { path: "/openclaw.json", what: "/openclaw.json", isIt: isConfiguration },
  ];

interface Asked {
  readonly scheme: "http" | "https";
  readonly socket: ListeningSocket;
  readonly name: string | undefined;
}

async function exposedBy(machine: Machine, { scheme, socket, name }: Asked): Promise<readonly string[]> {
  const base = `${scheme}://${inUrl(knockAddress(socket.address))}:${String(socket.port)}`;
  const answers = await Promise.all(
    treasures.map(async ({ path, what, isIt }) => {
      const { outcome, status, body = "" } = await get(machine, `${base}${path}`, name);
      return outcome === "answered" && status === 200 && isIt(body) ? [what] : [];
    }),
  );
  return answers.flat();
}

function isPage(body: string): boolean {
  return /<(?:!doctype|html|head|body)\b/i.test(body);
}

/** As the common servers head theirs (nginx, Apache, Python, lighttpd, Caddy's is recognised by its links upwards). */
export function isDirectoryListing(body: string): boolean {
  return (
    /<title>\s*(?:Index of \/|Directory listing for \/)/i.test(body) ||
    /<h1>\s*(?:Index of|Directory listing for) \//i.test(body)
  );
}

export function isConfiguration(body: string): boolean {
  const tree = isPage(body) ? undefined : parseConfigText(body);
  return ["gateway", "agents", "channels", "models"].some((name) => field(tree, name) !== undefined);
}
