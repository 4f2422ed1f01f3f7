/** Which version of the gateway is installed, and whether the one that runs is that: from its package, by where it is loaded from. */
import { join } from "node:path";
import { field } from "../../../gateway/wire.ts";
import type { Machine } from "../../machine.ts";
import type { FoundGateway } from "./find.ts";

const MAX_MAPS_BYTES = 4 << 20;
/** A version as the gateway's makers write it; anything else is not compared. */
const VERSION = /^\d{1,5}\.\d{1,3}\.\d{1,4}(?:-[0-9A-Za-z.-]{1,24})?$/;

export interface InstalledVersion {
  readonly version: string;
  readonly path: string;
}

/** By the files that the process has in memory; where it shows none, by the places where npm puts a global package. */
export async function installedVersion(machine: Machine, gateway: FoundGateway): Promise<InstalledVersion | undefined> {
  const roots = [...(await loadedFrom(machine, gateway)), ...globalRoots(gateway)];
  for (const root of roots) {
    const path = join(root, "openclaw", "package.json");
    const file = await machine.read(path);
    const version = file.kind === "text" ? versionIn(file.text) : undefined;
    if (version !== undefined) return { version, path };
  }
  return undefined;
}

async function loadedFrom(machine: Machine, { process }: FoundGateway): Promise<readonly string[]> {
  if (process === undefined) return [];
  const maps = await machine.read(`/proc/${String(process.pid)}/maps`, MAX_MAPS_BYTES);
  return maps.kind === "text" ? packageRoots(maps.text) : [];
}

/** Folders named node_modules that some file was mapped from. */
export function packageRoots(maps: string): readonly string[] {
  const found = new Set<string>();
  for (const line of maps.split("\n")) {
    const path = /\s(\/.*\.node)$/.exec(line)?.[1];
    const at = path?.lastIndexOf("/node_modules/") ?? -1;
    if (path === undefined || at < 0) continue;
    // A package's own node_modules lies in the one that the package is in.
    for (let end = at; end >= 0; end = path.lastIndexOf("/node_modules/", end - 1)) {
      found.add(path.slice(0, end + "/node_modules".length));
      if (end === 0) break;
    }
  }
  return [...found];
}

function globalRoots({ user }: FoundGateway): readonly string[] {
  return [
    join(user.home, ".npm-global", "lib", "node_modules"),
    join(user.home, ".local", "lib", "node_modules"),
    "/usr/local/lib/node_modules",
    "/usr/lib/node_modules",
    "/opt/openclaw/node_modules",
  ];
}

function versionIn(text: string): string | undefined {
  let manifest: unknown;
  try {
    manifest = JSON.parse(text);
  } catch {
    return undefined; // half an installation is no version
  }
  const version = field(manifest, "name") === "openclaw" ? field(manifest, "version") : undefined;
  return typeof version === "string" && VERSION.test(version) ? version : undefined;
}
