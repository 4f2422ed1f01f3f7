/** The real edge with its real Worker, as `clawhold up` runs it but for the agent: with the door for backups and metrics. */
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { CONTROL_SOCKET, openControl, type Control } from "../../../../agent/edge/control.ts";
import type { EdgeEvent } from "../../../../agent/edge/edge-log.ts";
import { startEdge, type Edge, type EdgeOptions } from "../../../../agent/edge/runtime.ts";
import { EdgeError } from "../../../../agent/shared/edge-error.ts";
import { RealEdge } from "../../../attack/real-edge.ts";
import { ORIGIN } from "../../../fixtures/edge/page.ts";
import type { Bundle } from "../../../parity/bundle.ts";

export interface Installation {
  readonly running: Edge;
  readonly edge: RealEdge;
  readonly dataDir: string;
  readonly events: readonly EdgeEvent[];
  stop(): Promise<void>;
}

/** Other suites use the fixtures' port too, one after the other. */
async function startAtTheirPort(options: EdgeOptions): Promise<Edge> {
  for (;;) {
    try {
      return await startEdge(options);
    } catch (error) {
      if (!(error instanceof EdgeError && error.code === "port_taken")) throw error;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
}

/** At the port of the fixtures' pages; `name`: of the data directory. */
export async function startInstallation(
  bundle: Bundle,
  name: string,
  overrides: Partial<EdgeOptions> = {},
): Promise<Installation> {
  const { directory, workerPath, migrations } = bundle;
  const webDir = path.join(directory, "web");
  mkdirSync(webDir, { recursive: true });
  writeFileSync(path.join(webDir, "index.html"), "<!doctype html><title>Dashboard</title>");
  const dataDir = path.join(directory, name);
  const events: EdgeEvent[] = [];
  const running = await startAtTheirPort({
    dataDir,
    port: Number(new URL(ORIGIN).port),
    agentPort: 0,
    workerBundlePath: workerPath,
    webDir,
    migrations,
    version: "1.2.3",
    rateFactor: "1000",
    log: (event) => events.push(event),
    ...overrides,
  });
  const control: Control = await openControl(path.join(running.dataDirectory.runDirectory, CONTROL_SOCKET), {
    writers: () => [running.pids.workerd].filter((pid) => pid !== undefined),
    setupLink: () => Promise.resolve(undefined),
    newKey: (job) => running.addKey(job),
    log: (event) => events.push(event),
  });
  return {
    running,
    edge: RealEdge.of(running, bundle),
    dataDir,
    events,
    stop: async () => {
      await control.close();
      await running.stop();
    },
  };
}
