/** The real link of a host, on a machine of its own, in front of nobody: it dials, keeps alive and comes back. */
import { startLink } from "../../../agent/host/link/link.ts";
import type { TlsFile } from "../../../agent/host/state.ts";
import type { Warden } from "../../../agent/host/warden/warden.ts";
import type { Environment } from "../../../agent/host/link/proxy.ts";

interface Plan {
  readonly edge: string;
  readonly tls: TlsFile;
  readonly environment: Environment;
  readonly keepAliveMilliseconds: number;
}

const parts: Buffer[] = [];
for await (const part of process.stdin) parts.push(part as Buffer);
const { edge, tls, environment, keepAliveMilliseconds } = JSON.parse(Buffer.concat(parts).toString("utf8")) as Plan;
const say = (said: object): void => void process.stdout.write(`${JSON.stringify(said)}\n`);

/** Frames are not what is tried here. */
const warden = {
  connect: () => ({ receive: () => Promise.resolve(), isWelcomed: () => false, close: () => undefined }),
} as unknown as Warden;
const pair = { tls, fingerprint: "", from: 0, until: Number.MAX_SAFE_INTEGER };

startLink({
  edge,
  pairs: { next: () => pair, welcomed: () => undefined, failed: () => undefined },
  environment,
  warden,
  telemetry: () => undefined,
  onState: (state) => say({ event: "state", ...state }),
  onFault: (error) => {
    throw error;
  },
  elapsed: () => performance.now(),
  wall: () => Date.now(),
  random: Math.random,
  log: say,
  keepAliveMilliseconds,
});
