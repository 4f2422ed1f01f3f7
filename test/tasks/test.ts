/**
 * `npm test`: everything, fast things first. Long campaigns run in their short form; their flags are in
 * docs/OPERATE.md. Says what it skipped and why, and ends with the counts.
 */
import { checkStages, FAST } from "./check-stages.ts";
import {
  CHROMIUM,
  ensure,
  FAKETIME,
  MMDEBSTRAP,
  namespaces,
  NFT,
  NSPAWN,
  OPENVPN,
  SSH,
  SSHD,
  TESTSSL,
  WIREGUARD,
  WIREGUARD_TOOLS,
} from "./debian.ts";
import { dryRun } from "./dry-run.ts";
import path from "node:path";
import { runStages } from "./run-stages.ts";
import { command, root, vitest, type Stage } from "./stage.ts";

/** A stage that needs a browser is skipped with a reason where there can be none. */
function withBrowser(stage: Stage): Stage {
  return {
    name: stage.name,
    async run(output) {
      const missing = ensure(CHROMIUM);
      return missing === undefined ? stage.run(output) : { skipped: missing };
    },
  };
}

/** Likewise one that makes networks of its own; the VPN programs are installed before it. */
function withNetworks(stage: Stage): Stage {
  return {
    name: stage.name,
    async run(output) {
      const missing = namespaces() ?? [OPENVPN, WIREGUARD, WIREGUARD_TOOLS, SSHD, SSH].map(ensure).find(Boolean);
      return missing === undefined ? stage.run(output) : { skipped: missing };
    },
  };
}

/** And one that boots servers of its own. */
function withServers(stage: Stage): Stage {
  return {
    name: stage.name,
    async run(output) {
      const missing = namespaces() ?? [MMDEBSTRAP, NSPAWN, NFT, SSH].map(ensure).find(Boolean);
      return missing === undefined ? stage.run(output) : { skipped: missing };
    },
  };
}

// Before anything runs: two that install at the same time would meet at the package manager's lock.
for (const one of [CHROMIUM, MMDEBSTRAP, NSPAWN, NFT, OPENVPN, WIREGUARD, WIREGUARD_TOOLS, SSHD, SSH]) ensure(one);

const noFaketime = ensure(FAKETIME);
if (noFaketime !== undefined) console.log(`The tests with a wrong clock will be skipped: ${noFaketime}.`);

const noTestssl = ensure(TESTSSL);
if (noTestssl !== undefined) console.log(`The scan of the TLS listeners will be skipped: ${noTestssl}.`);

const attack = [path.join(root, "test", "tasks", "attack.ts")];

/** What starts processes, sockets or browsers may fail once; what only computes may not. */
const mayStumble = true;

const fast = checkStages.filter(({ name }) => name === FAST);
const otherChecks = checkStages.filter((stage) => !fast.includes(stage));

/** Servers of both Debians in full, every fault at every step, every page in every look; otherwise what the time allows. */
const all = process.argv.includes("--all");

interface Servers {
  /** Of test/lab; everything there unless given. */
  readonly files?: readonly string[];
  readonly release?: string;
}

function servers(name: string, { files = [], release = "bookworm" }: Servers): Stage {
  const env = { CLAWHOLD_LAB_RELEASE: release, ...(all ? { CLAWHOLD_LAB_ALL: "1" } : {}) };
  const args = files.map((file) => `test/lab/${file}.test.ts`);
  return withServers(vitest(name, "test/lab/vitest.config.ts", { mayStumble, env, args }));
}

const GATEWAY_FILES = "gateway, its files";
const SERVER_FILES = "servers, their files";
const REAL = "real gateway";
const fetched = [path.join(root, "test", "lab", "prepare.ts")];
const gatewayFetched = [path.join(root, "test", "tasks", "fetch-gateway.ts")];

if (!all)
  console.log(
    "Servers and pictures of pages run in their short form; npm test -- --all drives every check on both Debians, every fault at every step, and judges every page in both themes at both widths.",
  );

/**
 * Two processors, and most of these wait for something, so there is work for three. What keeps two busy by itself takes two;
 * servers, which wait for timers, half. The order is not free: what takes long begins early, what is fetched is there
 * before somebody needs it, and nothing runs beside the build (docs/decisions/0056-npm-test-in-25-minutes.md).
 */
const ROOM = 3;
const onServers = { takes: 0.5, after: [GATEWAY_FILES, SERVER_FILES, REAL] };
/** Those that take long first. */
const serverStages = all
  ? [servers("servers, Debian 12", {}), servers("servers, Debian 13", { release: "trixie" })]
  : [
      servers("servers, fooled and locked out", { files: ["traps", "lockout"] }),
      servers("servers, mended", { files: ["remedies", "leftovers"] }),
      servers("servers, looked at", { files: ["checks"] }),
      servers("servers, installed", { files: ["install"] }),
      servers("servers, Debian 13", { files: ["hardened"], release: "trixie" }),
    ];

await runStages([
  ...otherChecks,
  command("build", [path.join(root, "agent", "build.mjs")]),
  command("deploy dry run", dryRun.args(path.join(root, ".cache", "dry-run")), { env: dryRun.env }),
  {
    room: ROOM,
    jobs: [
      { stage: command(GATEWAY_FILES, gatewayFetched), takes: 0.5 },
      { stage: withServers(command(SERVER_FILES, fetched, { mayStumble })), takes: 0.5 },
      ...fast.map((stage) => ({ stage, takes: 1.5 })),
      { stage: vitest(REAL, "test/real.config.ts", { mayStumble }), after: [GATEWAY_FILES] },
      {
        stage: withBrowser(
          vitest("end to end", "test/e2e/vitest.config.ts", { mayStumble, env: all ? { CLAWHOLD_E2E_ALL: "1" } : {} }),
        ),
        takes: 2,
        after: [GATEWAY_FILES],
      },
      { stage: command("attack suite", [...attack, "--short"]), after: [REAL] },
      { stage: vitest("worker in workerd", "test/worker/vitest.config.ts", { mayStumble }), takes: 2 },
      {
        stage: withNetworks(vitest("networks", "test/net/vitest.config.ts", { mayStumble })),
        takes: 0.5,
        after: [REAL],
      },
      ...serverStages.map((stage) => ({ stage, ...onServers })),
      { stage: vitest("campaigns", "test/campaigns.config.ts"), after: [REAL] },
      { stage: vitest("two runtimes, one API", "test/parity/vitest.config.ts", { mayStumble }), after: [REAL] },
      {
        stage: withBrowser(vitest("three runtimes, one verdict", "test/browser/vitest.config.ts", { mayStumble })),
        after: [REAL],
      },
      {
        stage: withBrowser(command("keyboard alone", [path.join(root, "test", "web", "keyboard.ts")], { mayStumble })),
        after: [REAL],
      },
      { stage: command("attack suite, VPN", [...attack, "--deployment", "vpn", "--short"]), after: [REAL] },
      { stage: command("attack suite, cloud", [...attack, "--deployment", "cloud", "--short"]), after: [REAL] },
    ],
  },
]);
