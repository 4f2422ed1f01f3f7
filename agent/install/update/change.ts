/**
 * Changes the version of an installed host, and goes back by itself. The way back is armed before the first change: a timer of
 * systemd's own, which outlives this program, and a file that a restart of the machine finds. Runs as the version before.
 */
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as v from "valibot";
import { UNITS, type HostLayout } from "../../host/units/layout.ts";
import { readPrivateFile } from "../../host/private-file.ts";
import { InstallError } from "../install-error.ts";
import { readRelease } from "../install.ts";
import {
  holdsRelease,
  placeRelease,
  pointTo,
  releaseDirectory,
  switchRelease,
  versionIn,
  writeWhole,
  type Release,
} from "../release-directory.ts";
import { allUnitFiles, must } from "../steps.ts";
import type { System } from "../system.ts";
import { readOrder, readPending, type Order, type Pending } from "./order.ts";
import { DEAD_MAN_SECONDS, UPDATE_UNITS, updatePlaces, WELL_SECONDS } from "./places.ts";

export interface ChangeDeps {
  readonly layout: HostLayout;
  readonly system: System;
  readonly wait: (milliseconds: number) => Promise<void>;
  /** Seconds since 1970. */
  readonly now: () => number;
}

/** `back`: the new version was not well, and the one before runs again. */
export type Ended = "updated" | "back";

const LOOK_MILLISECONDS = 1_000;

/** Carries out the order that the warden verified. @throws {InstallError} before anything is changed */
export async function carryOutUpdate(deps: ChangeDeps): Promise<Ended> {
  const { layout, system } = deps;
  const places = updatePlaces(layout);
  const order = readOrder(places.order);
  const from = versionIn(layout.current);
  if (order === undefined || from === undefined) throw new InstallError("not_installed", "No update was asked for.");
  const release = await unpack(deps, order);
  // Of an earlier attempt: throws where this version is there with other content.
  holdsRelease(layout, release);
  placeRelease(layout, release);
  rmSync(release.from, { recursive: true, force: true });
  rmSync(places.archive, { force: true });
  await tryRelease(deps, release);
  const previous = versionIn(layout.previous);
  const pending: Pending = { from, to: order.version, ...(previous === undefined ? {} : { previous }) };
  writeWhole(places.pending, `${JSON.stringify(pending)}\n`);
  try {
    await must(system, deadMan(layout, from));
  } catch (error) {
    rmSync(places.pending, { force: true }); // nothing was begun
    throw error;
  }
  switchRelease(layout, order.version);
  await restart(system);
  return settle(deps);
}

/** Waits until the version in use is well, or goes back. What was not begun is as settled as can be. */
export async function settle(deps: ChangeDeps): Promise<Ended> {
  const { layout, system, wait } = deps;
  const pending = readPending(updatePlaces(layout).pending);
  if (pending === undefined) return "updated";
  // Cut off before the switch, or taken back already: that the old one is well says nothing of the new one.
  if (versionIn(layout.current) !== pending.to) {
    await end(deps, pending, "back");
    return "back";
  }
  for (let look = 0; look < WELL_SECONDS; look += 1) {
    const health = await healthOf(deps);
    if (health === "failed") break;
    if (health === "well") {
      await end(deps, pending, "updated");
      return "updated";
    }
    await wait(LOOK_MILLISECONDS);
  }
  await goBack(layout, system, pending);
  await end(deps, pending, "back");
  return "back";
}

/** What the dead man does. A change that was settled is left: he may fire while his timer is being stopped. */
export async function backUnlessSettled(deps: ChangeDeps): Promise<Ended> {
  if (readPending(updatePlaces(deps.layout).pending) === undefined) return "updated";
  await back(deps);
  return "back";
}

/** What a person may do at any time: the version before, at once. @throws {InstallError} where there is none */
export async function back(deps: ChangeDeps): Promise<string> {
  const { layout, system } = deps;
  const [from, to] = [versionIn(layout.previous), versionIn(layout.current)];
  const pending = readPending(updatePlaces(layout).pending);
  const way = pending ?? (from === undefined || to === undefined ? undefined : { from, to });
  if (way === undefined)
    throw new InstallError("not_installed", "There is no version before this one here, so nothing was changed.");
  await goBack(layout, system, way);
  await end(deps, way, "back");
  return way.from;
}

async function goBack(layout: HostLayout, system: System, { from, to, previous }: Pending): Promise<void> {
  pointTo(layout.current, from);
  // A person who went back may change their mind; after a failed update the way back is the one of before.
  pointTo(layout.previous, previous ?? to);
  await restart(system);
}

async function end({ layout, system, now }: ChangeDeps, { from, to }: Pending, ended: Ended): Promise<void> {
  const places = updatePlaces(layout);
  mkdirSync(places.directory, { recursive: true });
  writeWhole(places.last, `${JSON.stringify({ from, to, ended, at: now() })}\n`);
  rmSync(places.pending, { force: true });
  // Not there when it has fired: it is us.
  await system.run(["systemctl", "stop", `${UPDATE_UNITS.deadMan}.timer`]);
}

/** By its own directory: `current` may name the version that is not well. */
function deadMan(layout: HostLayout, from: string): readonly string[] {
  const program = join(releaseDirectory(layout, from), "clawhold.cjs");
  return [
    "systemd-run",
    "--quiet",
    "--collect",
    `--unit=${UPDATE_UNITS.deadMan}`,
    `--on-active=${String(DEAD_MAN_SECONDS)}`,
    // systemd's own answer is "within a minute".
    "--timer-property=AccuracySec=1s",
    layout.node,
    "--no-warnings",
    program,
    "host",
    "update-step",
    "back",
  ];
}

async function unpack({ layout, system }: ChangeDeps, { version, sha256 }: Order): Promise<Release> {
  const { archive } = updatePlaces(layout);
  const sum = createHash("sha256").update(readFileSync(archive)).digest("hex");
  if (sum !== sha256) throw new InstallError("release_damaged", `${archive} is not what was verified.`);
  const from = mkdtempSync(join(tmpdir(), "clawhold-update-"));
  await must(system, ["tar", "-xzf", archive, "-C", from, "--no-same-owner", "--no-same-permissions"]);
  const release = readRelease(from, sha256, layout.node);
  if (release.version === version) return release;
  throw new InstallError("release_damaged", `The archive is version ${release.version}, and ${version} was asked for.`);
}

/** Before the switch: it starts here, and wants the units that are here. */
async function tryRelease({ layout, system }: ChangeDeps, { version }: Release): Promise<void> {
  const program = join(releaseDirectory(layout, version), "clawhold.cjs");
  const { code, out } = await system.run([layout.node, "--no-warnings", program, "host", "update-step", "units"]);
  if (code !== 0) throw new InstallError("step_failed", `Version ${version} does not start on this machine: ${out}`);
  if (out === unitsName(layout)) return;
  throw new InstallError(
    "step_failed",
    `Version ${version} needs other services than the ones here. Bring it with the command of clawhold host add.`,
  );
}

/** Names the units that this program would write. */
export function unitsName(layout: HostLayout): string {
  const hash = createHash("sha256");
  for (const { path, content } of allUnitFiles(layout)) hash.update(`${path}\n${content}\n`);
  return hash.digest("hex");
}

/** The warden ends when the command that is running is written down; its socket starts the new one. */
async function restart(system: System): Promise<void> {
  await system.run(["systemctl", "stop", UNITS.link, UNITS.warden, UNITS.reader]);
  // Its count of restarts begins anew.
  await system.run(["systemctl", "reset-failed", UNITS.link]);
  await must(system, ["systemctl", "start", UNITS.link]);
}

const status = v.object({ pid: v.number(), tunnel: v.string() });

/** `failed`: it ended by itself again and again; there is nothing to wait for. */
type Health = "well" | "waiting" | "failed";

/** As systemd starts it again, five seconds apart. */
const HOPELESS_RESTARTS = 3;

/** The link of now, whose every word to the edge needs the warden of now, is welcome there. */
async function healthOf({ layout, system }: ChangeDeps): Promise<Health> {
  const { out } = await system.run(["systemctl", "show", "--property=MainPID,NRestarts", UNITS.link]);
  const of = (name: string): number => Number(new RegExp(`^${name}=(\\d+)$`, "m").exec(out)?.[1] ?? "0");
  const pid = of("MainPID");
  try {
    // The link's own file: no link is followed, and nothing waited for.
    const said = v.parse(status, JSON.parse(readPrivateFile(layout.linkStatus, "shown") ?? ""));
    if (said.tunnel === "connected" && said.pid === pid && pid !== 0) return "well";
  } catch {
    // Not written yet, or half: the next look tells.
  }
  return of("NRestarts") >= HOPELESS_RESTARTS ? "failed" : "waiting";
}
