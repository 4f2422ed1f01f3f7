/**
 * Makes the root file systems that are not there yet: `node test/lab/prepare.ts bookworm trixie`. Whoever else wants the
 * same waits for the lock, which the kernel gives back when its holder ends in whatever way.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import path from "node:path";
import { ensure, MMDEBSTRAP, namespaces } from "../tasks/debian.ts";
import { labDirectory } from "./leftovers.ts";
import { makeRootFileSystem, RELEASES, rootFileSystem, type Release } from "./root-file-system.ts";

const LOCKED = "CLAWHOLD_LAB_LOCKED";

const wanted = RELEASES.filter((release) => process.argv.length < 3 || process.argv.includes(release));
const missing = wanted.filter((release) => rootFileSystem(release) === undefined);
if (missing.length === 0) console.log("The lab's root file systems are there.");
else if (process.env[LOCKED] === undefined) lockAndRepeat(missing);
else for (const release of missing) await make(release);

function lockAndRepeat(releases: readonly Release[]): void {
  const reason = namespaces() ?? ensure(MMDEBSTRAP);
  if (reason !== undefined) throw new Error(`No root file system for the lab: ${reason}`);
  mkdirSync(labDirectory, { recursive: true, mode: 0o755 });
  const again = [process.execPath, "--no-warnings", path.join(import.meta.dirname, "prepare.ts"), ...releases];
  const { status } = spawnSync("/usr/bin/flock", [path.join(labDirectory, "lock"), ...again], {
    stdio: "inherit",
    env: { ...process.env, [LOCKED]: "yes" },
  });
  process.exitCode = status ?? 1;
}

async function make(release: Release): Promise<void> {
  const started = performance.now();
  await makeRootFileSystem(release);
  console.log(`Made Debian ${release} in ${((performance.now() - started) / 1_000).toFixed(0)} s.`);
}
