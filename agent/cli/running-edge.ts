/** Finds an edge that runs on this machine over the same data directory, through the door that only its user has. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { openAdmin, type AdminRequest } from "../edge/admin.ts";
import { DASHBOARD_FILE, ENDPOINT_FILE } from "../edge/data-directory.ts";
import { EdgeError, systemCode } from "../shared/edge-error.ts";
import { acquireLock } from "../shared/lock.ts";
import { CliError, EXIT } from "./io.ts";

export function findRunningEdge(dataDirectory: string): AdminRequest {
  const path = join(runDirectoryOf(dataDirectory), "admin.sock");
  if (holderOf(join(dataDirectory, "lock")) !== undefined && existsSync(path)) return openAdmin(path);
  throw new CliError("not_running", `No edge runs over ${dataDirectory}. Start it with: clawhold up`, EXIT.unreachable);
}

/** Where agents of other machines dial the edge that runs; undefined where none said so. */
export function advertisedEndpoint(dataDirectory: string): string | undefined {
  return readRunFile(dataDirectory, ENDPOINT_FILE);
}

export interface Dashboards {
  /** Served to this machine. */
  readonly dashboard?: string;
  /** Served under a name as well, for daily operations. */
  readonly dailyDashboard?: string;
}

/** Nothing else goes to a terminal: root may be looking at a directory of somebody else's. */
const ORIGIN = /^https?:\/\/[a-z0-9.-]{1,253}(:[0-9]{1,5})?$/;

/** Where the edge that ran last here serves its dashboard: to be believed of one that answers. */
export function dashboardsOf(dataDirectory: string): Dashboards {
  const lines = readRunFile(dataDirectory, DASHBOARD_FILE)?.split("\n") ?? [];
  const [dashboard, dailyDashboard] = lines.every((line) => ORIGIN.test(line)) ? lines : [];
  return {
    ...(dashboard === undefined ? {} : { dashboard }),
    ...(dailyDashboard === undefined ? {} : { dailyDashboard }),
  };
}

function readRunFile(dataDirectory: string, name: string): string | undefined {
  try {
    return readFileSync(join(dataDirectory, "run", name), "utf8").trimEnd();
  } catch (error) {
    if (systemCode(error) === "ENOENT") return undefined;
    throw error;
  }
}

/** Inside the data directory, or where a long path made the edge put its sockets. */
export function runDirectoryOf(dataDirectory: string): string {
  const inside = join(dataDirectory, "run");
  try {
    return readFileSync(join(inside, "place"), "utf8").trimEnd();
  } catch (error) {
    if (systemCode(error) === "ENOENT") return inside;
    throw error;
  }
}

/** What starts the agent of a host: `up` where the edge runs too, which would make a new workspace elsewhere. */
export function startCommand({ colocated }: { readonly colocated: boolean }): string {
  return colocated ? "clawhold up" : "clawhold host run";
}

export interface Holder {
  /** A sentence that names the process. */
  readonly sentence: string;
}

/** Who holds a lock; undefined when nobody does. */
export function holderOf(lockPath: string): Holder | undefined {
  if (!existsSync(lockPath)) return undefined;
  try {
    acquireLock(lockPath, () => new Date()).release();
    return undefined;
  } catch (error) {
    if (error instanceof EdgeError && error.code === "locked") return { sentence: error.message };
    throw error;
  }
}
