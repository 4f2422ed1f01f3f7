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

/** What npm installed, and what an older one would have said of itself. */
const MANIFEST = "/usr/local/lib/node_modules/openclaw/package.json";
const OLDER = "/run/lab-package.json";
/** A stand-in for Tailscale's program, which is not in Debian: it says what a file says. */
const TAILSCALE = "/usr/local/bin/tailscale";
const SERVED = {
  TCP: { 443: { HTTPS: true } },
  Web: { "host.tailnet.ts.net:443": { Handlers: { "/": { Proxy: `http://127.0.0.1:${String(GATEWAY_PORT)}` } } } },
};

async function tailscaleSays({ machine }: Site, status: object): Promise<void> {
  await machine.write("/etc/lab-tailscale.json", JSON.stringify(status));
  await machine.write(TAILSCALE, "#!/bin/sh\nexec cat /etc/lab-tailscale.json\n", "0755");
}

export const gatewayDrives: Area = {
  settle,
  leave: ({ machine }) => machine.delete(TAILSCALE, "/etc/lab-tailscale.json"),
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
    {
      check: "gw.version.advisories",
      lane: "slow",
      mend: ({ machine }) => machine.run(["/usr/bin/umount", "--quiet", MANIFEST]),
      async fail({ machine }) {
        const manifest = JSON.parse(await machine.read(MANIFEST)) as object;
        await machine.write(OLDER, JSON.stringify({ ...manifest, version: "2026.1.20" }));
        await machine.must(["/usr/bin/mount", "--bind", OLDER, MANIFEST]);
      },
      says: /2026\.1\.20 has (?:CVE|GHSA)-/,
    },
    {
      check: "gw.tailscale.mode",
      lane: "slow",
      mend: (site) => tailscaleSays(site, SERVED),
      fail: (site) => tailscaleSays(site, { ...SERVED, AllowFunnel: { "host.tailnet.ts.net:443": true } }),
      says: /funnel shows the gateway to the internet on port 443/,
    },
  ],
  undriven: {
    "gw.plugins.pinned":
      "a stranger's plugin is installed from npm's registry, which no server of the lab reaches; judged over recorded answers in fast tests",
    "gw.audit.native":
      "the gateway's own audit runs in a deep look alone, not in a scan; audit.test.ts runs it on a server with a safe one",
  },
};
