/**
 * The orderly end of serving: nothing new is taken, hosts are told to come back later, what is under way is answered. What
 * takes longer than the bound is cut; nothing rests on its end, because an answer is only given for what is on disk.
 */

import { systemCode } from "../shared/edge-error.ts";
import type { EdgeLog } from "./edge-log.ts";
import type { Traffic } from "./traffic.ts";
import { unixRequest } from "./unix-http.ts";

/** A command waits this long for its host; a service manager that is asked to stop waits three times as long. */
export const DRAIN_SECONDS = 10;
/** Telling some thousand hosts takes a second. */
const TELL_SECONDS = 5;
/** A host that was told leaves at once; one that does not is cut off and comes back by itself. */
const TUNNEL_MILLISECONDS = 500;

export interface DrainDeps {
  readonly traffic: Traffic;
  readonly adminSocket: string;
  readonly log: EdgeLog;
  /** For tests. */
  readonly seconds?: number | undefined;
}

/** Never rejects. */
export async function drain({ traffic, adminSocket, log, seconds = DRAIN_SECONDS }: DrainDeps): Promise<void> {
  traffic.stopAccepting();
  if (traffic.tunnels > 0) await tellHosts(adminSocket, log);
  const [isAnswered] = await Promise.all([
    traffic.settled("requests", seconds * 1_000),
    traffic.settled("tunnels", TUNNEL_MILLISECONDS),
  ]);
  if (!isAnswered) log({ level: "warn", code: "requests_cut", detail: `requests took longer than ${seconds} s` });
}

/** They leave, and come back over the next moments instead of all at once. */
export async function tellHosts(socketPath: string, log: EdgeLog): Promise<void> {
  try {
    const { status } = await unixRequest({ socketPath, path: "/admin/drain", body: {}, timeoutSeconds: TELL_SECONDS });
    if (status === 200) return;
    log({ level: "warn", code: "drain_untold", detail: `status ${status}` });
  } catch (error) {
    // The runtime is gone or stuck: hosts will notice by themselves.
    log({ level: "warn", code: "drain_untold", detail: systemCode(error) ?? String(error) });
  }
}
