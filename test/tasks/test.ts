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

const noFaketime = ensure(FAKETIME);
if (noFaketime !== undefined) console.log(`The tests with a wrong clock will be skipped: ${noFaketime}.`);

const noTestssl = ensure(TESTSSL);
if (noTestssl !== undefined) console.log(`The scan of the TLS listeners will be skipped: ${noTestssl}.`);

const attack = [path.join(root, "test", "tasks", "attack.ts")];

/** What starts processes, sockets or browsers may fail once; what only computes may not. */
const mayStumble = true;

const fast = checkStages.filter(({ name }) => name === FAST);
const otherChecks = checkStages.filter((stage) => !fast.includes(stage));

/** Servers of both Debians in full, and every fault at every step; otherwise what the time allows. */
const all = process.argv.includes("--all");

interface Servers {
  readonly files: readonly string[];
  readonly release?: string;
}

/** `files`: of test/lab; everything there with --all. */
function servers(name: string, { files, release = "bookworm" }: Servers): Stage {
  const env = { CLAWHOLD_LAB_RELEASE: release, ...(all ? { CLAWHOLD_LAB_ALL: "1" } : {}) };
  const args = all ? [] : files.map((file) => `test/lab/${file}.test.ts`);
  return withServers(vitest(name, "test/lab/vitest.config.ts", { mayStumble, env, args }));
}

/** What several lanes use at once is fetched before them. */
const fetched = [path.join(root, "test", "lab", "prepare.ts")];
const gatewayFetched = [path.join(root, "test", "tasks", "fetch-gateway.ts")];

if (!all)
  console.log(
    "Servers run in their short form; npm test -- --all drives every check on both Debians, and every fault at every step.",
  );

/**
 * Two processors, and most of these wait for something: so two lanes. The order is not free: what is fetched is there before
 * two of them need it, and nothing runs beside the build.
 */
await runStages([
  ...otherChecks,
  command("build", [path.join(root, "agent", "build.mjs")]),
  command("deploy dry run", dryRun.args(path.join(root, ".cache", "dry-run")), { env: dryRun.env }),
  {
    lanes: [
      fast,
      [vitest("campaigns", "test/campaigns.config.ts")],
      [
        command("gateway, its files", gatewayFetched),
        withServers(command("servers, their files", fetched, { mayStumble })),
      ],
    ],
  },
  {
    lanes: [
      [
        vitest("worker in workerd", "test/worker/vitest.config.ts", { mayStumble }),
        vitest("two runtimes, one API", "test/parity/vitest.config.ts", { mayStumble }),
        withNetworks(vitest("networks", "test/net/vitest.config.ts", { mayStumble, args: ["--passWithNoTests"] })),
        servers("servers, installed", { files: ["install"] }),
      ],
      [vitest("real gateway", "test/real.config.ts", { mayStumble })],
    ],
  },
  {
    lanes: [
      [withBrowser(vitest("end to end", "test/e2e/vitest.config.ts", { mayStumble }))],
      [
        command("attack suite", [...attack, "--short"]),
        command("attack suite, VPN", [...attack, "--deployment", "vpn", "--short"]),
        command("attack suite, cloud", [...attack, "--deployment", "cloud", "--short"]),
        withBrowser(vitest("three runtimes, one verdict", "test/browser/vitest.config.ts", { mayStumble })),
        withBrowser(command("keyboard alone", [path.join(root, "test", "web", "keyboard.ts")], { mayStumble })),
        servers("servers, fooled, locked out, mended", { files: ["traps", "lockout", "remedies", "leftovers"] }),
      ],
    ],
  },
  servers("servers, looked at", { files: ["checks"] }),
  servers("servers, Debian 13", { files: ["hardened"], release: "trixie" }),
]);
