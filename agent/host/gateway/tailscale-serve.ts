/**
 * What Tailscale serves of the gateway, to its network or (funnel) to everybody: asked of its own program, which answers
 * any user where the machine's owner allows it. Where it does not answer nothing is known, and nothing is claimed.
 */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { networkInterfaces } from "node:os";
import type { Listener } from "./listening.ts";
import { field, isFields } from "./wire.ts";

const PROGRAMS = ["/usr/bin/tailscale", "/usr/local/bin/tailscale", "/usr/sbin/tailscale"] as const;
const TAILSCALE_MILLISECONDS = 3_000;
const MAX_OUTPUT_BYTES = 262_144;
const MAX_SERVED = 64;
/** Tailscale's own range. */
const TAILNET = /^100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7])\./;

export async function tailscaleDoors(
  port: number,
  programs: readonly string[] = PROGRAMS,
): Promise<readonly Listener[]> {
  const program = programs.find((path) => existsSync(path));
  if (program === undefined) return [];
  return servedDoors(await run(program), port, ownAddress());
}

function run(program: string): Promise<string> {
  return new Promise((resolve) => {
    execFile(
      program,
      ["serve", "status", "--json"],
      { env: { PATH: "/usr/bin:/bin" }, timeout: TAILSCALE_MILLISECONDS, maxBuffer: MAX_OUTPUT_BYTES },
      (error, output) => resolve(error === null ? output : ""),
    );
  });
}

function ownAddress(): string {
  const all = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  return all.find(({ address }) => TAILNET.test(address))?.address ?? "100.64.0.0";
}

/** From its settings; funnel is said as every address, because that is who can come. */
export function servedDoors(text: string, port: number, address: string): readonly Listener[] {
  let settings: unknown;
  try {
    settings = JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return [];
    throw error;
  }
  const funnel = field(settings, "AllowFunnel");
  return [...webDoors(settings, port), ...streamDoors(settings, port)].map(({ name, door }) => ({
    address: Object.keys(isFields(funnel) ? funnel : {}).some(
      (open) => open === name || open.endsWith(`:${String(door)}`),
    )
      ? "0.0.0.0"
      : address,
    port: door,
    loopback: false,
    uid: 0,
  }));
}

interface Door {
  readonly name: string;
  readonly door: number;
}

function webDoors(settings: unknown, port: number): readonly Door[] {
  const web = field(settings, "Web");
  return entriesOf(web).flatMap(([name, site]) => {
    const leads = entriesOf(field(site, "Handlers")).some(([, handler]) => isGateway(field(handler, "Proxy"), port));
    return leads ? doorOf(name, name.split(":").at(-1)) : [];
  });
}

function streamDoors(settings: unknown, port: number): readonly Door[] {
  return entriesOf(field(settings, "TCP")).flatMap(([door, how]) =>
    isGateway(field(how, "TCPForward"), port) ? doorOf(`:${door}`, door) : [],
  );
}

function entriesOf(value: unknown): readonly (readonly [string, unknown])[] {
  return isFields(value) ? Object.entries(value).slice(0, MAX_SERVED) : [];
}

function doorOf(name: string, text: string | undefined): readonly Door[] {
  const door = Number(text);
  return Number.isInteger(door) && door > 0 && door < 65_536 ? [{ name, door }] : [];
}

function isGateway(to: unknown, port: number): boolean {
  if (typeof to !== "string") return false;
  const [, host, number] =
    /^(?:https?(?:\+insecure)?:\/\/)?(127\.[0-9.]+|localhost|\[::1\]):(\d{1,5})(?:\/|$)/.exec(to) ?? [];
  return host !== undefined && Number(number) === port;
}
