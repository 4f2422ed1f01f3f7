/** A set-up installation with an admitted host, for benches: the real program, a headless operator. */
import { HeadlessOperator } from "../e2e/operator.ts";
import { temporaryDirectory, Up } from "../e2e/installation.ts";

export interface BenchInstallation {
  readonly up: Up;
  readonly operator: HeadlessOperator;
  readonly host: string;
  readonly port: number;
  readonly dataDir: string;
  stop(): Promise<void>;
}

let nextPort = 25_470;

export interface InstallationOptions {
  readonly gateway: string;
  readonly env?: Readonly<Record<string, string>>;
}

export async function startInstallation(options: InstallationOptions): Promise<BenchInstallation> {
  const data = temporaryDirectory("bench");
  const port = nextPort;
  nextPort += 2;
  // A bench asks more in a minute than a person may.
  const env = { CLAWHOLD_RATE_FACTOR: "1000", ...options.env };
  const up = new Up({ dataDir: data.path, port, agentPort: port + 1, gateway: options.gateway, env });
  const setup = await up.event((event) => event.event === "setup");
  const seed = new URLSearchParams(new URL(String(setup["url"])).hash.slice(1)).get("seed") ?? "";
  const operator = await HeadlessOperator.create(port);
  await operator.setUp(seed);
  const host = await operator.admitFirstHost();
  await up.event((event) => event.event === "admitted");
  let isStopped = false;
  return {
    up,
    operator,
    host,
    port,
    dataDir: data.path,
    async stop() {
      if (isStopped) return;
      isStopped = true;
      operator.close();
      await up.stop();
      data.remove();
    },
  };
}
