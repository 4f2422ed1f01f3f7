/** Composes what the edge tells a monitoring system: figures, health, and the listener for both. Holds no rule of its own. */

import { openSql } from "./d1.ts";
import { openFigures } from "./figures.ts";
import { readOpenFileLimit } from "./listen.ts";
import { openMetricsFront, type MetricsFront, type MetricsPlace } from "./metrics-front.ts";
import type { Traffic } from "./traffic.ts";
import { unixRequest } from "./unix-http.ts";
import type { Sockets } from "./workerd-config.ts";
import type { Workerd } from "./workerd.ts";

/** A probe that waits longer has its answer. */
const HEALTH_SECONDS = 2;
const HEAD =
  "SELECT idx FROM ledger WHERE workspace = (SELECT workspace FROM workspaces LIMIT 1) ORDER BY idx DESC LIMIT 1";

export interface MonitoringInput {
  readonly version: string;
  readonly traffic: Traffic;
  readonly workerd: Workerd;
  readonly sockets: Sockets;
  readonly certificateEnds: () => number;
}

/** True while requests are taken and the Worker answers. */
export async function isReady({ traffic, sockets }: Pick<MonitoringInput, "traffic" | "sockets">): Promise<boolean> {
  if (traffic.isDraining) return false;
  try {
    const { status } = await unixRequest({
      socketPath: sockets.admin,
      path: "/health",
      timeoutSeconds: HEALTH_SECONDS,
    });
    return status === 200;
  } catch {
    return false; // nobody answers: that is what was asked
  }
}

export async function openMonitoring(place: MetricsPlace, input: MonitoringInput): Promise<MetricsFront> {
  const { version, traffic, workerd, sockets, certificateEnds } = input;
  const ready = (): Promise<boolean> => isReady(input);
  const run = openSql(sockets.d1);
  const figures = openFigures({
    version,
    traffic,
    workerd: () => workerd,
    certificateEnds,
    isReady: ready,
    openFileLimit: readOpenFileLimit,
    ledgerHead: async () => {
      try {
        const [rows = []] = await run([{ sql: HEAD }]);
        const head = rows[0]?.["idx"];
        return typeof head === "number" ? head : undefined;
      } catch {
        return undefined; // the runtime is being started again, which `clawhold_ready` says
      }
    },
  });
  const front = await openMetricsFront(place, { read: () => figures.read(), isReady: ready });
  return {
    url: front.url,
    close: async () => {
      figures.close();
      await front.close();
    },
  };
}
