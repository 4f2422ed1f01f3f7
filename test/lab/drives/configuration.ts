/** Drives of the two checks of a gateway's configuration as a file: where it lies, and whether the host wrote its newest version down. */
import path from "node:path";
import { configDigest } from "../../../agent/host/gateway/config-digest.ts";
import { ConfigVersions } from "../../../agent/host/gateway/versions-file.ts";
import { GATEWAY_TOKEN, GATEWAY_UNIT, gatewayRestarted } from "../gateway.ts";
import type { Machine } from "../machine.ts";
import { POSTURE_DIRECTORY } from "../scan.ts";
import type { Drive, Site } from "./drive.ts";

const OWN = "/home/openclaw/.openclaw/openclaw.json";
const ROOTS = "/etc/openclaw/openclaw.json";
const DROP_IN = `/etc/systemd/system/${GATEWAY_UNIT}.d/zz-configuration.conf`;

/** One limit of it is another number than before, so that it is another configuration. */
async function changed(machine: Machine, maxAttempts: number): Promise<string> {
  const tree = JSON.parse(await machine.read(OWN)) as { gateway: { auth: Record<string, unknown> } };
  tree.gateway.auth["rateLimit"] = { maxAttempts, windowMs: 60_000, lockoutMs: 300_000 };
  return JSON.stringify(tree, undefined, 2);
}

/** In a place and of an owner where the gateway's user cannot write. */
async function rootsOwn({ machine }: Site): Promise<void> {
  if ((await machine.run(["/usr/bin/ls", DROP_IN])).code === 0) return;
  await machine.write(ROOTS, await changed(machine, 9), "0640");
  await machine.must(["/usr/bin/chown", "root:openclaw", ROOTS]);
  await machine.delete(OWN);
  await machine.write(DROP_IN, `[Service]\nEnvironment=OPENCLAW_CONFIG_PATH=${ROOTS}\n`);
  await gatewayRestarted(machine);
}

async function itsOwn({ machine }: Site): Promise<void> {
  await machine.must(["/usr/bin/install", "-o", "openclaw", "-g", "openclaw", "-m", "0600", ROOTS, OWN]);
  await machine.delete(DROP_IN);
  await gatewayRestarted(machine);
}

/** As the warden keeps it after a command: with an author, and by the gateway's own name for what it applied. */
async function writtenDown({ machine }: Site): Promise<void> {
  const call = ["/usr/local/bin/openclaw", "gateway", "call", "config.get", "--json", "--token", GATEWAY_TOKEN];
  const environment = { HOME: "/home/openclaw", OPENCLAW_CONFIG_PATH: ROOTS };
  const said = await machine.must(call, { user: "openclaw", environment });
  const name = (JSON.parse(said.slice(said.indexOf("{"))) as { readonly appliedConfigHash: string }).appliedConfigHash;
  const versions = new ConfigVersions(path.join(machine.root, path.dirname(POSTURE_DIRECTORY), "gateway"));
  const hash = configDigest(name);
  if (versions.newest()?.hash === hash) return;
  versions.keep({ at: 1, author: "owner", hash, paths: [] }, { tree: {} });
}

export const configurationDrives: readonly Drive[] = [
  {
    check: "cfg.immutable",
    lane: "slow",
    mend: rootsOwn,
    fail: itsOwn,
    says: /openclaw\.json: the gateway's user can write to it/,
  },
  {
    check: "cfg.versioned",
    lane: "slow",
    mend: writtenDown,
    // Somebody edits it by hand; the drive before has the gateway read this file.
    async fail({ machine }) {
      await machine.must(["/usr/bin/dd", `of=${OWN}`, "status=none"], { input: await changed(machine, 8) });
      await gatewayRestarted(machine);
    },
    says: /is none that was written down/,
  },
];
