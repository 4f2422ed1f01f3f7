/** The real gateway on a server of the lab: npm's own files, shown and not copied (650 MB), run by a unit as the user one names. */
import path from "node:path";
import { installGateway } from "../../agent/host/demo/install.ts";
import { gatewayCache } from "../e2e/gateway.ts";
import type { Machine, MachinePlan } from "./machine.ts";

export const GATEWAY_UNIT = "openclaw-gateway.service";
export const GATEWAY_PORT = 18_789;
/** Of a machine that no network reaches. */
export const GATEWAY_TOKEN = "lab-0123456789abcdef0123456789abcdef";
/** Where `npm install --global` puts packages, with the Node that the servers have. */
const PACKAGES = "/usr/local/lib/node_modules";
const ENTRY = `${PACKAGES}/openclaw/openclaw.mjs`;
/** A cold start on a busy machine. */
const START_SECONDS = 180;

/** For `MachinePlan.shown`. Fetches the gateway when this machine has none yet. */
export async function gatewayShown(): Promise<NonNullable<MachinePlan["shown"]>> {
  const entry = await installGateway({
    directory: gatewayCache,
    environment: process.env,
    fetchAllowed: true,
    log: (line) => console.log(line),
  });
  return [{ from: path.resolve(entry, "../.."), at: PACKAGES }];
}

export interface GatewayPlan {
  /** Made when it does not exist. "openclaw": a system user without a shell. */
  readonly user?: string;
  /** openclaw.json; else a gateway on loopback with a token. */
  readonly config?: object;
  /** Lines for the unit's [Service]. */
  readonly directives?: readonly string[];
}

export const SAFE_CONFIG = {
  gateway: { mode: "local", bind: "loopback", port: GATEWAY_PORT, auth: { mode: "token", token: GATEWAY_TOKEN } },
  discovery: { mdns: { mode: "off" } },
  update: { checkOnStart: false },
};

/** Resolves once it answers; call it again with another plan to change it. */
export async function startGateway(machine: Machine, plan: GatewayPlan = {}): Promise<void> {
  const { user = "openclaw", config = SAFE_CONFIG, directives = [] } = plan;
  if ((await machine.run(["/usr/bin/id", user])).code !== 0)
    await machine.must(["/usr/sbin/useradd", "--system", "--create-home", "--shell", "/usr/sbin/nologin", user]);
  const home = (await machine.must(["/usr/bin/getent", "passwd", user])).split(":")[5] ?? "";
  const state = `${home}/.openclaw`;
  await machine.must(["/usr/bin/ln", "-sfn", `${ENTRY}`, "/usr/local/bin/openclaw"]);
  await machine.must(["/usr/bin/install", "-d", "-m", "0700", "-o", user, "-g", user, state]);
  await machine.write(`${state}/openclaw.json`, JSON.stringify(config, undefined, 2), "0600");
  await machine.must(["/usr/bin/chown", `${user}:${user}`, `${state}/openclaw.json`]);
  await machine.write(`/etc/systemd/system/${GATEWAY_UNIT}`, unit(user, directives));
  await machine.must(["/usr/bin/systemctl", "daemon-reload"]);
  await machine.must(["/usr/bin/systemctl", "enable", "--quiet", GATEWAY_UNIT]);
  await machine.must(["/usr/bin/systemctl", "restart", GATEWAY_UNIT]);
  await gatewayAnswers(machine);
}

/** Starts it again, with its unit as it is written now; resolves once it answers. */
export async function gatewayRestarted(machine: Machine): Promise<void> {
  await machine.must(["/usr/bin/systemctl", "daemon-reload"]);
  await machine.must(["/usr/bin/systemctl", "reset-failed"]);
  await machine.must(["/usr/bin/systemctl", "restart", GATEWAY_UNIT]);
  await gatewayAnswers(machine);
}

/** Resolves once it is ready, on loopback. */
export async function gatewayAnswers(machine: Machine): Promise<void> {
  const ready = `http://127.0.0.1:${String(GATEWAY_PORT)}/readyz`;
  const patience = ["--retry", String(START_SECONDS), "--retry-delay", "1", "--retry-connrefused"];
  const { code } = await machine.run(["/usr/bin/curl", "-sf", "-o", "/dev/null", ...patience, ready], {
    timeoutSeconds: 2 * START_SECONDS,
  });
  if (code === 0) return;
  const log = await machine.run(["/usr/bin/journalctl", "-u", GATEWAY_UNIT, "-n", "30", "--no-pager"]);
  throw new Error(`the gateway does not answer:\n${log.stdout}`);
}

function unit(user: string, directives: readonly string[]): string {
  return [
    "[Unit]",
    "Description=OpenClaw gateway",
    "After=network.target",
    "[Service]",
    `User=${user}`,
    `ExecStart=/usr/local/bin/node ${ENTRY} gateway run --port ${String(GATEWAY_PORT)}`,
    "Restart=always",
    "RestartSec=1",
    "Environment=DO_NOT_TRACK=1",
    ...directives,
    "[Install]",
    "WantedBy=multi-user.target",
    "",
  ].join("\n");
}
