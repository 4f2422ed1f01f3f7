/**
 * What the edge on this machine tells a monitoring system about itself. No workspace, host, person, address or path is a
 * label or a value: whoever reads this may be allowed to know that the edge is well, and no more.
 */

import { readFileSync, readdirSync } from "node:fs";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { systemCode } from "../shared/edge-error.ts";
import type { Metric, Sample } from "./metrics.ts";
import type { StatusClass, TlsRefusal, Traffic, TrafficDoor } from "./traffic.ts";

export interface FigureSources {
  readonly version: string;
  readonly traffic: Traffic;
  readonly workerd: () => { readonly pid: number | undefined; readonly restarts: number };
  /** Index of the newest entry; undefined where there is none, or no answer. */
  readonly ledgerHead: () => Promise<number | undefined>;
  /** End of the agents' listener's certificate, seconds since 1970. */
  readonly certificateEnds: () => number;
  readonly isReady: () => Promise<boolean>;
  readonly openFileLimit: () => number | undefined;
}

const DOORS: readonly TrafficDoor[] = ["dashboard", "agents"];
const CLASSES: readonly StatusClass[] = ["1xx", "2xx", "3xx", "4xx", "5xx", "aborted"];
const TLS_REFUSALS = Object.keys({
  certificate_missing: true,
  certificate_untrusted: true,
  certificate_early: true,
  certificate_expired: true,
  handshake: true,
  handshake_timeout: true,
  protocol_version: true,
} satisfies Record<TlsRefusal, true>) as readonly TlsRefusal[];
const LAG_RESOLUTION_MILLISECONDS = 20;
const NANOSECONDS = 1e9;

export interface Figures {
  read(): Promise<readonly Metric[]>;
  close(): void;
}

export function openFigures(sources: FigureSources): Figures {
  const lag = monitorEventLoopDelay({ resolution: LAG_RESOLUTION_MILLISECONDS });
  lag.enable();
  return {
    read: async () => {
      const [head, ready] = await Promise.all([sources.ledgerHead(), sources.isReady()]);
      const metrics = [
        ...trafficOf(sources.traffic),
        ...processesOf(sources),
        lagOf(lag),
        gauge("clawhold_build_info", "The running version.", [{ labels: { version: sources.version }, value: 1 }]),
        gauge("clawhold_ready", "1 when requests are answered, 0 while starting, draining or without a runtime.", [
          { value: ready ? 1 : 0 },
        ]),
        gauge(
          "clawhold_ledger_head",
          "Index of the newest entry of the activity log.",
          head === undefined ? [] : [{ value: head }],
        ),
        gauge("clawhold_certificate_end_timestamp_seconds", "When the agents' listener's certificate ends.", [
          { value: sources.certificateEnds() },
        ]),
      ];
      lag.reset(); // each scrape sees the time since the one before
      return metrics;
    },
    close: () => lag.disable(),
  };
}

function trafficOf(traffic: Traffic): readonly Metric[] {
  const requests = DOORS.flatMap((door) =>
    CLASSES.map((status) => ({ labels: { door, status }, value: traffic.requests.of(`${door} ${status}`) })),
  );
  return [
    gauge("clawhold_tunnels_open", "Tunnels of hosts that are open.", [{ value: traffic.tunnels }]),
    counter("clawhold_tunnels_opened_total", "Tunnels of hosts that were opened.", [{ value: traffic.openedTunnels }]),
    gauge("clawhold_connections_open", "Connections on all listeners.", [{ value: traffic.connections }]),
    counter("clawhold_connections_refused_total", "Connections refused because too many were open.", [
      { value: traffic.refusedConnections },
    ]),
    counter("clawhold_requests_total", "Answered requests and upgrades, by door and class of status.", requests),
    counter(
      "clawhold_joins_total",
      "Attempts of hosts to join, by class of status.",
      CLASSES.map((status) => ({ labels: { status }, value: traffic.joins.of(status) })),
    ),
    counter(
      "clawhold_tls_refused_total",
      "Clients of the agents' listener that got nowhere, by reason.",
      TLS_REFUSALS.map((reason) => ({ labels: { reason }, value: traffic.tlsRefusals.of(reason) })),
    ),
  ];
}

function processesOf({ workerd, openFileLimit }: FigureSources): readonly Metric[] {
  const { pid, restarts } = workerd();
  const processes = [
    { labels: { process: "front" }, place: "/proc/self" },
    ...(pid === undefined ? [] : [{ labels: { process: "runtime" }, place: `/proc/${pid}` }]),
  ];
  const each = (read: (place: string) => number | undefined): readonly Sample[] =>
    processes.flatMap(({ labels, place }) => {
      const value = read(place);
      return value === undefined ? [] : [{ labels, value }];
    });
  const limit = openFileLimit();
  return [
    counter("clawhold_runtime_restarts_total", "How often the runtime had to be started again.", [{ value: restarts }]),
    gauge("clawhold_resident_memory_bytes", "Resident memory of each process.", each(residentBytes)),
    gauge("clawhold_open_files", "Open file descriptors of each process.", each(openFiles)),
    gauge(
      "clawhold_open_files_limit",
      "File descriptors that each process may open.",
      limit === undefined ? [] : [{ value: limit }],
    ),
  ];
}

/**
 * Node records the time between two ticks of a timer, which on an idle loop is the resolution itself: what is more than
 * that is delay. A tick may also come early, after one that was late.
 */
export function lagOf(lag: Pick<ReturnType<typeof monitorEventLoopDelay>, "count" | "max" | "percentile">): Metric {
  const seconds = (nanoseconds: number): number => {
    if (lag.count === 0) return 0; // nothing recorded yet reads as NaN and as huge numbers
    return Math.max(0, nanoseconds / NANOSECONDS - LAG_RESOLUTION_MILLISECONDS / 1_000);
  };
  return gauge(
    "clawhold_event_loop_delay_seconds",
    "By how much the front's event loop was late since the last scrape; about 0 when idle.",
    [
      { labels: { quantile: "0.5" }, value: seconds(lag.percentile(50)) },
      { labels: { quantile: "0.99" }, value: seconds(lag.percentile(99)) },
      { labels: { quantile: "1" }, value: seconds(lag.max) },
    ],
  );
}

function residentBytes(place: string): number | undefined {
  const found = /^VmRSS:\s+(\d+) kB$/m.exec(readProc(() => readFileSync(`${place}/status`, "utf8")) ?? "");
  return found?.[1] === undefined ? undefined : Number(found[1]) * 1_024;
}

function openFiles(place: string): number | undefined {
  return readProc(() => readdirSync(`${place}/fd`).length);
}

/** Undefined for a process that has just ended, or whose descriptors the kernel keeps from us. */
function readProc<Value>(read: () => Value): Value | undefined {
  try {
    return read();
  } catch (error) {
    if (["ENOENT", "ESRCH", "EACCES", "EPERM"].includes(systemCode(error) ?? "")) return undefined;
    throw error;
  }
}

function gauge(name: string, help: string, samples: readonly Sample[]): Metric {
  return { name, help, type: "gauge", samples };
}

function counter(name: string, help: string, samples: readonly Sample[]): Metric {
  return { name, help, type: "counter", samples };
}
