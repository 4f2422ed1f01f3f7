/**
 * Drives of the checks of area gateway: a real gateway whose configuration is changed on disk. It takes half a minute to start it
 * again as often as there are checks, so they share its starts.
 */
import { GATEWAY_PORT, GATEWAY_TOKEN, startGateway } from "../gateway.ts";
import type { Area, Drive, Site } from "./drive.ts";

type Settings = Readonly<Record<string, unknown>>;

/** By check: what is right, and what is not. Paths of openclaw.json. */
const SETTINGS = {
  "gw.bind.loopback": { right: { "gateway.bind": "loopback" }, wrong: { "gateway.bind": "lan" } },
  "gw.auth.mode": { right: { "gateway.auth.token": GATEWAY_TOKEN }, wrong: { "gateway.auth.token": "open-sesame" } },
  "gw.auth.ratelimit": {
    right: { "gateway.auth.rateLimit": { maxAttempts: 10, windowMs: 60_000, lockoutMs: 300_000 } },
    wrong: { "gateway.auth.rateLimit": { maxAttempts: 100_000, windowMs: 60_000, lockoutMs: 1_000 } },
  },
  "gw.controlui.origins": {
    right: { "gateway.controlUi.allowedOrigins": ["https://desk.example"] },
    wrong: { "gateway.controlUi.allowedOrigins": ["*"] },
  },
  "gw.pairing.manual": {
    right: { "gateway.nodes.pairing": { autoApproveLocal: false, sshVerify: false } },
    wrong: { "gateway.nodes.pairing": { autoApproveLocal: true, sshVerify: true } },
  },
  "gw.channels.closed": {
    right: { "tools.elevated": { enabled: false } },
    wrong: { "tools.elevated": { enabled: true, allowFrom: { webchat: ["*"] } } },
  },
  "gw.exec.asks": {
    right: { "tools.exec": { security: "allowlist", ask: "on-miss" } },
    wrong: { "tools.exec": { security: "full", ask: "off" } },
  },
  "gw.mdns.off": { right: { "discovery.mdns.mode": "off" }, wrong: { "discovery.mdns.mode": "full" } },
  "gw.hooks.signed": {
    right: { hooks: { enabled: true, token: "hook-0123456789abcdef01234567" } },
    wrong: { hooks: { enabled: true, token: "hook" } },
  },
} as const satisfies Partial<Record<Drive["check"], { readonly right: Settings; readonly wrong: Settings }>>;

let wanted: Settings = { "gateway.mode": "local", "gateway.port": GATEWAY_PORT, "gateway.auth.mode": "token" };
let running = "";

async function settle({ machine }: Site): Promise<void> {
  const config = JSON.stringify(treeOf(wanted));
  if (config === running) return;
  await startGateway(machine, { config: treeOf(wanted) });
  running = config;
}

/** `{"a.b": 1}` is `{a: {b: 1}}`. */
function treeOf(settings: Settings): object {
  const tree: Record<string, unknown> = {};
  for (const [path, value] of Object.entries(settings)) {
    const names = path.split(".");
    const last = names.pop() ?? "";
    let inside = tree;
    for (const name of names) inside = (inside[name] ??= {}) as Record<string, unknown>;
    inside[last] = value;
  }
  return tree;
}

function bySettings(check: keyof typeof SETTINGS, says: RegExp): Drive {
  const { right, wrong } = SETTINGS[check];
  const want = (settings: Settings) => () => {
    wanted = { ...wanted, ...settings };
    return Promise.resolve();
  };
  return { check, lane: "slow", mend: want(right), fail: want(wrong), says };
}

const stopUnit = ({ machine }: Site, unit: string): Promise<unknown> =>
  machine.run(["/usr/bin/systemctl", "stop", unit]);

/** A program that listens, in a unit, until it is stopped; resolves once it does. */
async function listening(
  { machine }: Site,
  plan: { unit: string; port: number; argv: readonly string[] },
): Promise<void> {
  await machine.must(["/usr/bin/systemd-run", "--quiet", "--collect", `--unit=${plan.unit}`, ...plan.argv]);
  const door = `http://127.0.0.1:${String(plan.port)}/`;
  await machine.must(["/usr/bin/curl", "-s", "-o", "/dev/null", "--retry", "30", "--retry-connrefused", door]);
}

const FORWARD = `
  const net = require("node:net");
  net.createServer((near) => {
    const far = net.connect(${String(GATEWAY_PORT)}, "127.0.0.1");
    near.on("error", () => far.destroy()); far.on("error", () => near.destroy());
    near.pipe(far).pipe(near);
  }).listen(8080, "0.0.0.0");`;

export const gatewayDrives: Area = {
  settle,
  drives: [
    bySettings("gw.bind.loopback", /listens on|gateway\.bind is lan/),
    {
      check: "gw.port.external",
      lane: "slow",
      mend: bySettings("gw.bind.loopback", /./).mend,
      fail: bySettings("gw.bind.loopback", /./).fail,
      says: /203\.0\.113\.10 port 18789 answers/,
    },
    bySettings("gw.auth.mode", /weak/),
    bySettings("gw.auth.ratelimit", /maxAttempts is 100000/),
    bySettings("gw.controlui.origins", /holds a \*/),
    bySettings("gw.pairing.manual", /autoApproveLocal/),
    bySettings("gw.channels.closed", /allowFrom/),
    bySettings("gw.exec.asks", /neither limits commands/),
    bySettings("gw.mdns.off", /mdns\.mode is full/),
    bySettings("gw.hooks.signed", /hooks\.token has 4 characters/),
    {
      check: "gw.proxy.public",
      mend: (site) => stopUnit(site, "lab-proxy"),
      fail: (site) => listening(site, { unit: "lab-proxy", port: 8080, argv: ["/usr/local/bin/node", "-e", FORWARD] }),
      says: /port 8080/,
    },
    {
      check: "gw.rootdir.exposed",
      mend: (site) => stopUnit(site, "lab-web"),
      async fail(site) {
        await site.machine.write("/srv/web/.env", "OPENAI_API_KEY=not-a-key\n");
        const argv = ["/usr/bin/python3", "-m", "http.server", "--directory", "/srv/web", "8000"];
        await listening(site, { unit: "lab-web", port: 8000, argv });
      },
      says: /port 8000 hands out/,
    },
  ],
  undriven: {
    "gw.version.advisories":
      "the packages of the lab's gateway are shown read-only; versions are compared in fast tests",
    "gw.tailscale.mode": "Tailscale is not in Debian and needs its own network",
    "gw.plugins.pinned":
      "a plugin of a stranger cannot be installed without npm; driven against the real gateway elsewhere",
    "gw.audit.native": "runs only when a deep scan is asked for",
  },
};
