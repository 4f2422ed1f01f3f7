/**
 * Takes a host away from its machine again: what was mended is put back, the services end, the edge is told, and everything that
 * the installation made is removed. A run that was cut off is finished by the next one. Asks nobody whether it may.
 */
import { existsSync, lstatSync, readdirSync, rmSync } from "node:fs";
import { ENABLED_UNITS, UNITS, type HostLayout } from "../host/units/layout.ts";
import { InstallError } from "./install-error.ts";
import { readManifest } from "./manifest.ts";
import { must } from "./steps.ts";
import type { System } from "./system.ts";
import { UPDATE_UNITS } from "./update/places.ts";

export interface UninstallInput {
  readonly layout: HostLayout;
  readonly system: System;
  /** Puts back what remedies changed; rejects when something cannot be, and then nothing is removed. */
  readonly rollBack: () => Promise<void>;
  /** Tells the edge, with the last word of the host's key. True when it has recorded it. */
  readonly sayFarewell: () => Promise<boolean>;
  readonly say: (step: string) => void;
}

export interface Uninstalled {
  readonly isTold: boolean;
}

/** @throws {InstallError} */
export async function uninstallHost(input: UninstallInput): Promise<Uninstalled> {
  const { layout, system, say } = input;
  const manifest = readManifest(layout);
  if (manifest === undefined)
    throw new InstallError("not_installed", "Clawhold is not installed on this machine. Nothing was changed.");
  if (existsSync(layout.posture)) {
    say("Put back what remedies changed");
    await input.rollBack();
  }
  say("End the agent, and start it at no boot any more");
  await endUnits(layout, system);
  say("Tell the edge");
  const isTold = await input.sayFarewell();
  for (const path of manifest.files) {
    say(`Remove ${path}`);
    rmSync(path, { force: true });
    rmSync(`${path}.new`, { force: true });
  }
  await must(system, ["systemctl", "daemon-reload"]);
  await system.run(["systemctl", "reset-failed", "clawhold-*"]); // none failed: that is no failure
  for (const user of manifest.users) {
    if ((await system.userOf(user)) === undefined) continue;
    say(`Remove the user ${user}`);
    await must(system, ["userdel", user]);
  }
  // Last the directory with the manifest: until it is gone, a removal that was cut off can go on.
  for (const path of [layout.run, layout.wardenRuntime, ...manifest.directories, layout.data]) {
    if (lstatSync(path, { throwIfNoEntry: false }) === undefined) continue;
    say(`Remove ${path}`);
    rmSync(path, { recursive: true, force: true });
  }
  return { isTold };
}

/** Units that a crash left half-written are unknown to systemd, which is as good. */
async function endUnits(layout: HostLayout, system: System): Promise<void> {
  const known = new Set(existsSync(layout.units) ? readdirSync(layout.units) : []);
  const enabled = [...ENABLED_UNITS, UPDATE_UNITS.guard].filter((unit) => known.has(unit));
  if (enabled.length > 0) await must(system, ["systemctl", "disable", "--quiet", "--now", ...enabled]);
  // A way back that is armed would put a link where nothing is any more.
  await system.run(["systemctl", "stop", `${UPDATE_UNITS.deadMan}.timer`]);
  const ours = [...Object.values(UNITS), UPDATE_UNITS.fetch, UPDATE_UNITS.update];
  const others = ours.filter((unit) => known.has(unit) && !unit.includes("@"));
  if (others.length > 0) await must(system, ["systemctl", "stop", ...others]);
}
