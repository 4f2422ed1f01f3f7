/**
 * Makes this machine a host, or brings one to a newer version: looks at every step first, says what is left to do, does it.
 * Takes code only from the directory that the installer's script has held against its sum.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import type { HostLayout } from "../host/units/layout.ts";
import { InstallError } from "./install-error.ts";
import { readManifest } from "./manifest.ts";
import { compareVersions, releaseVersion } from "../../protocol/release.ts";
import { versionIn, type Release } from "./release-directory.ts";
import { installSteps, type Step, type StepDeps } from "./steps.ts";
import type { System } from "./system.ts";

export interface InstallInput {
  readonly layout: HostLayout;
  readonly system: System;
  readonly release: Release;
  /** Of the command that a person pasted. */
  readonly workspace: string;
  readonly isDryRun: boolean;
  readonly join: () => Promise<void>;
  /** Called before each step that is carried out, or would be. */
  readonly say: (step: string) => void;
}

export interface Installed {
  /** What was done, in order; what would be, in a dry run. Empty where everything was as wanted. */
  readonly steps: readonly string[];
}

/** @throws {InstallError} before anything is changed, or with the step that failed */
export async function installHost(input: InstallInput): Promise<Installed> {
  refuseForeign(input.layout);
  refuseOlder(input);
  refuseOtherWorkspace(input);
  const steps = installSteps(input satisfies StepDeps);
  // All are looked at before the first is carried out: what is in the way is found while nothing is changed.
  const planned = await undone(steps);
  if (input.isDryRun) {
    for (const { what } of planned) input.say(what);
    return { steps: planned.map(({ what }) => what) };
  }
  const done: string[] = [];
  for (const step of steps) {
    if (await step.isDone()) continue;
    const { what } = step;
    input.say(what);
    await step.carryOut();
    done.push(what);
  }
  return { steps: done };
}

async function undone(steps: readonly Step[]): Promise<readonly Step[]> {
  const left: Step[] = [];
  for (const step of steps) if (!(await step.isDone())) left.push(step);
  return left;
}

/** An edge, or somebody's clone, may lie where we would; a removal would take it along. */
function refuseForeign(layout: HostLayout): void {
  const manifest = readManifest(layout);
  const isForeign = (path: string): boolean => existsSync(path) && readdirSync(path).length > 0;
  for (const [path, isOurs] of [
    [layout.data, manifest !== undefined],
    [layout.programs, manifest?.directories.includes(layout.programs) === true],
  ] as const) {
    if (isOurs || !isForeign(path)) continue;
    throw new InstallError(
      "foreign",
      `${path} is there already and this installer did not make it. Move it elsewhere, then try again.`,
    );
  }
}

function refuseOlder({ layout, release }: InstallInput): void {
  const installed = versionIn(layout.current);
  if (installed === undefined || compareVersions(release.version, installed) >= 0) return;
  throw new InstallError(
    "already_newer",
    `Version ${installed} is installed here, which is newer than ${release.version}, so nothing was changed. Bring the edge to the newer version too, then make a new command.`,
  );
}

const pinned = v.object({ workspace: v.string() });

/** Undefined on a machine that has not joined. */
export function pinnedWorkspace({ hostFile }: HostLayout): string | undefined {
  return existsSync(hostFile) ? v.parse(pinned, JSON.parse(readFileSync(hostFile, "utf8"))).workspace : undefined;
}

/** A host obeys one workspace for ever. */
function refuseOtherWorkspace({ layout, workspace }: InstallInput): void {
  const present = pinnedWorkspace(layout);
  if (present === undefined || present === workspace) return;
  throw new InstallError(
    "workspace_other",
    "This machine is a host of another workspace, so nothing was changed. To leave that one for good, type clawhold host uninstall.",
  );
}

/** Reads what the script unpacked. @throws {InstallError} when it is no release */
export function readRelease(from: string, sha256: string, node: string): Release {
  const path = join(from, "version");
  const version = existsSync(path) ? readFileSync(path, "utf8").trim() : "";
  const isWhole = ["agent.cjs", "posture.cjs", "clawhold.cjs", "launcher"].every((name) =>
    existsSync(join(from, name)),
  );
  if (isWhole && v.is(releaseVersion, version)) return { version, sha256, from, node };
  throw new InstallError("release_damaged", `What lies in ${from} is not a release of Clawhold. Make a new command.`);
}
