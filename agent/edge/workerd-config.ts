/**
 * What the local workerd runs: the Worker bundle with its bindings, the D1 shim in a Worker of its own, storage on
 * disk, no way out but one for alerts and streams to public addresses and one for looks from outside, and four unix sockets. Holds no secret: those are named here and read by workerd
 * from its own environment. The binding names are the Worker's contract and the same as in wrangler.toml.
 */

import { chmodSync, copyFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { CapnpStruct } from "./capnp.ts";
import { Embed, renderConfig } from "./capnp.ts";
import { D1_SHIM_SOURCE } from "./d1-shim.js.ts";
import { EdgeError, systemCode } from "../shared/edge-error.ts";

/** Must not be later than what the pinned workerd and wrangler accept, and equal to wrangler.toml's. */
export const COMPATIBILITY_DATE = "2026-09-18";
/** The header by which a front tells workerd what `request.cf` shall be. Stripped from every client. */
export const CF_BLOB_HEADER = "cf-blob";

/** Text bindings. Some are secrets, so none is ever written to a file or an argument. */
export interface WorkerEnvironment {
  readonly DISPATCH_KEY: string;
  /** Empty while none waits; so is the next. */
  readonly DISPATCH_KEY_NEXT: string;
  readonly LEDGER_KEY: string;
  readonly LEDGER_KEY_NEXT: string;
  readonly SETTINGS_KEY: string;
  readonly AGENT_CA_KEY: string;
  readonly AGENT_CA_CERT: string;
  readonly SIGNER_ORIGIN: string;
  readonly AGENT_ENDPOINT: string;
  readonly EDGE_CA_CERT: string;
  readonly RATE_FACTOR: string;
}

const ENVIRONMENT_NAMES = Object.keys({
  DISPATCH_KEY: true,
  DISPATCH_KEY_NEXT: true,
  LEDGER_KEY: true,
  LEDGER_KEY_NEXT: true,
  SETTINGS_KEY: true,
  AGENT_CA_KEY: true,
  AGENT_CA_CERT: true,
  SIGNER_ORIGIN: true,
  AGENT_ENDPOINT: true,
  EDGE_CA_CERT: true,
  RATE_FACTOR: true,
} satisfies Record<keyof WorkerEnvironment, true>);

/** The binding and class of each Durable Object. The unique key names its files: it never changes. */
const OBJECTS = [
  { binding: "LEDGER", className: "Ledger" },
  { binding: "SEGMENT", className: "LedgerSegment" },
  { binding: "HOST", className: "Host" },
  { binding: "SESSIONS", className: "Sessions" },
  { binding: "ALERTS", className: "Alerts" },
  { binding: "EXPORTS", className: "Exports" },
  { binding: "STREAMS", className: "Streams" },
  { binding: "LIMITS", className: "Limits" },
] as const;

/** By which door a request came; the Worker reads it from its props and nobody can send it. */
const DOORS = ["web", "agent", "admin"] as const;
type Door = (typeof DOORS)[number];

export type Sockets = Readonly<Record<Door | "d1", string>>;

export interface ConfigPlaces {
  /** Private; holds sockets, the configuration and the copies it embeds. */
  readonly runDirectory: string;
  readonly objectsDirectory: string;
  readonly databaseDirectory: string;
  readonly workerBundlePath: string;
}

export interface WrittenConfig {
  readonly configPath: string;
  readonly sockets: Sockets;
}

/** The bundle is copied: a package updated underneath must not change what a restart runs. */
export function writeConfig(places: ConfigPlaces): WrittenConfig {
  const inRun = (name: string): string => join(places.runDirectory, name);
  const sockets: Sockets = {
    web: inRun("web.sock"),
    agent: inRun("agent.sock"),
    admin: inRun("admin.sock"),
    d1: inRun("d1.sock"),
  };
  try {
    copyFileSync(places.workerBundlePath, inRun("worker.js"));
  } catch (error) {
    if (systemCode(error) !== "ENOENT") throw error;
    throw new EdgeError(
      "bundle_missing",
      `The edge's program is missing (${places.workerBundlePath}). The installation is incomplete: install Clawhold again.`,
      { cause: error },
    );
  }
  chmodSync(inRun("worker.js"), 0o600);
  writeFileSync(inRun("d1-shim.js"), D1_SHIM_SOURCE, { mode: 0o600 });
  writeFileSync(inRun("workerd.capnp"), renderConfig(describe(places, sockets)), { mode: 0o600 });
  return { configPath: inRun("workerd.capnp"), sockets };
}

function describe(places: ConfigPlaces, sockets: Sockets): CapnpStruct {
  return {
    services: [
      { name: "edge", worker: describeEdge() },
      { name: "d1", worker: describeDatabase() },
      { name: "objects-disk", disk: { path: places.objectsDirectory, writable: true } },
      { name: "d1-disk", disk: { path: places.databaseDirectory, writable: true } },
      // Every Worker's global outbound: what `fetch` reaches. Allows nothing.
      { name: "internet", network: { allow: [], deny: [] } },
      // The one way out: only to addresses that the whole internet can reach, so that a name which leads into a private
      // network, or to this machine, leads nowhere.
      { name: "alerts-out", network: { allow: ["public"], deny: [], tlsOptions: { trustBrowserCas: true } } },
      // For looks from outside, which go to the address that a host's tunnel comes from: everywhere but this machine itself.
      { name: "look-out", network: { allow: ["network"], deny: [] } },
    ],
    sockets: [
      ...DOORS.map((door) => ({
        name: door,
        address: `unix:${sockets[door]}`,
        http: { cfBlobHeader: CF_BLOB_HEADER },
        service: { name: "edge", props: { json: JSON.stringify({ via: door }) } },
      })),
      { name: "d1", address: `unix:${sockets.d1}`, http: {}, service: "d1" },
    ],
  };
}

function describeEdge(): CapnpStruct {
  return {
    modules: [{ name: "worker.js", esModule: new Embed("worker.js") }],
    compatibilityDate: COMPATIBILITY_DATE,
    bindings: [
      {
        name: "DB",
        wrapped: {
          moduleName: "cloudflare-internal:d1-api",
          innerBindings: [{ name: "fetcher", service: "d1" }],
        },
      },
      ...OBJECTS.map(({ binding, className }) => ({ name: binding, durableObjectNamespace: className })),
      { name: "ALERTS_OUT", service: "alerts-out" },
      { name: "LOOK_OUT", service: "look-out" },
      ...ENVIRONMENT_NAMES.map((name) => ({ name, fromEnvironment: name })),
    ],
    durableObjectNamespaces: OBJECTS.map(({ className }) => ({
      className,
      uniqueKey: `clawhold-${className}`,
      enableSql: true,
    })),
    durableObjectStorage: { localDisk: "objects-disk" },
  };
}

function describeDatabase(): CapnpStruct {
  return {
    modules: [{ name: "d1-shim.js", esModule: new Embed("d1-shim.js") }],
    compatibilityDate: COMPATIBILITY_DATE,
    bindings: [{ name: "DATABASE", durableObjectNamespace: "D1" }],
    durableObjectNamespaces: [{ className: "D1", uniqueKey: "clawhold-D1", enableSql: true }],
    durableObjectStorage: { localDisk: "d1-disk" },
  };
}
