/**
 * The steps that make a machine a host, in their order. Each knows whether it is done, by looking, and changes nothing when it
 * is: a run that was cut off anywhere is finished by the next one, and one more run changes nothing.
 */
import { createHash } from "node:crypto";
import {
  chmodSync,
  closeSync,
  constants,
  existsSync,
  fchmodSync,
  fchownSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  type Stats,
} from "node:fs";
import { join } from "node:path";
import { ENABLED_UNITS, UNITS, USERS, type HostLayout } from "../host/units/layout.ts";
import { ownership, type Owned } from "../host/units/ownership.ts";
import { unitFiles, type UnitFile } from "../host/units/unit-files.ts";
import { systemCode } from "../shared/edge-error.ts";
import { InstallError } from "./install-error.ts";
import { manifestPath, note, readManifest } from "./manifest.ts";
import {
  holdsRelease,
  oldReleases,
  placeRelease,
  releaseDirectory,
  switchRelease,
  versionIn,
  writeWhole,
  type Release,
} from "./release-directory.ts";
import type { System } from "./system.ts";
import { UPDATE_UNITS, updatePlaces } from "./update/places.ts";
import { updateUnitFiles } from "./update/units.ts";

export interface Step {
  /** What it does, as a sentence without an end: "Make the user clawhold". */
  readonly what: string;
  isDone(): Promise<boolean> | boolean;
  carryOut(): Promise<void> | void;
}

export interface StepDeps {
  readonly layout: HostLayout;
  readonly system: System;
  readonly release: Release;
  /** Gets this host its keys and its certificate, and writes host.json last. */
  readonly join: () => Promise<void>;
}

const OWN_USERS = [USERS.link, USERS.reader] as const;

export function installSteps(deps: StepDeps): readonly Step[] {
  const { layout } = deps;
  return [
    ...OWN_USERS.map((name) => userStep(name, deps)),
    directoryStep(layout, layout.programs, "Make %, for the program"),
    programStep(deps),
    directoryStep(layout, layout.settings, "Make %, for a deny list that you may write"),
    launcherStep(deps),
    joinStep(deps),
    ...[...ownership(layout), updateDirectory(layout)].map((owned) => ownedStep(owned, deps)),
    releaseKeyStep(deps),
    placeStep(deps),
    ...allUnitFiles(layout).map((unit) => unitStep(unit, deps)),
    switchStep(deps),
    startStep(deps),
    tidyStep(deps),
  ];
}

function userStep(name: string, { system, layout }: StepDeps): Step {
  return {
    what: `Make the system user ${name}, without a shell and without a home`,
    async isDone() {
      if ((await system.userOf(name)) === undefined) return false;
      if (readManifest(layout)?.users.includes(name) === true) return true;
      throw new InstallError(
        "foreign",
        `There is a user ${name} on this machine already that this installer did not make. Rename or remove it, then try again.`,
      );
    },
    async carryOut() {
      note(layout, { user: name });
      const home = ["--home-dir", "/nonexistent", "--no-create-home"];
      await must(system, ["useradd", "--system", "--user-group", ...home, "--shell", "/usr/sbin/nologin", name]);
    },
  };
}

function programStep({ layout, release }: StepDeps): Step {
  return {
    what: `Put version ${release.version} into ${releaseDirectory(layout, release.version)}`,
    isDone: () => holdsRelease(layout, release),
    carryOut: () => placeRelease(layout, release),
  };
}

function directoryStep(layout: HostLayout, path: string, what: string): Step {
  return {
    what: what.replace("%", path),
    isDone: () => existsSync(path),
    carryOut() {
      note(layout, { directory: path });
      mkdirSync(path, { recursive: true, mode: 0o755 });
      chmodSync(path, 0o755);
    },
  };
}

/** The first line of our own says whose file it is; anybody else's is left alone. */
const LAUNCHER_MARK = "/usr/local/bin/clawhold on a host that was installed";

function launcherStep({ layout, release }: StepDeps): Step {
  const wanted = (): string => readFileSync(join(release.from, "launcher"), "utf8");
  return {
    what: `Write ${layout.launcher}, the command clawhold`,
    isDone() {
      const present = textOf(layout.launcher);
      if (present !== undefined && !present.includes(LAUNCHER_MARK))
        throw new InstallError(
          "foreign",
          `${layout.launcher} is there already and is not Clawhold's. Move it away, then try again.`,
        );
      return present === wanted();
    },
    carryOut() {
      note(layout, { file: layout.launcher });
      writeWhole(layout.launcher, wanted(), 0o755);
    },
  };
}

function joinStep({ layout, join: joinWorkspace }: StepDeps): Step {
  return {
    what: "Join the workspace with the token, and wait there to be admitted",
    isDone: () => existsSync(layout.hostFile),
    async carryOut() {
      // Private while keys are made; what others may search is opened when all is there.
      mkdirSync(layout.state, { recursive: true, mode: 0o700 });
      chmodSync(layout.state, 0o700);
      await joinWorkspace();
    },
  };
}

function ownedStep({ path, kind, owner, group, mode }: Owned, { system }: StepDeps): Step {
  const ids = async (): Promise<readonly [number, number]> => {
    const [user, ofGroup] = await Promise.all([idsOf(system, owner), idsOf(system, group)]);
    return [user.uid, ofGroup.gid];
  };
  return {
    what: `Give ${path} to ${owner}, mode ${mode.toString(8)}`,
    async isDone() {
      const facts = lstatOf(path);
      if (facts === undefined || (await system.userOf(owner)) === undefined) return false;
      const [uid, gid] = await ids();
      return facts.uid === uid && facts.gid === gid && (facts.mode & 0o7777) === mode;
    },
    async carryOut() {
      const [uid, gid] = await ids();
      if (lstatOf(path) === undefined) {
        // Only a directory can be made here; a file that is missing has a step of its own.
        if (kind === "file") return;
        mkdirSync(path, { mode: 0o700 });
      }
      giveTo(path, { kind, uid, gid, mode });
    },
  };
}

interface Giving extends Pick<Owned, "kind" | "mode"> {
  readonly uid: number;
  readonly gid: number;
}

/** By its descriptor: the link's user, who may be hostile, can put something else in the name's place at any instant. */
function giveTo(path: string, { kind, uid, gid, mode }: Giving): void {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if (systemCode(error) === "ELOOP") throw foreign(path);
    throw error;
  }
  try {
    const facts = fstatSync(fd);
    // A file of two names may be somebody else's too.
    const isOurs = kind === "directory" ? facts.isDirectory() : facts.isFile() && facts.nlink === 1;
    if (!isOurs) throw foreign(path);
    fchownSync(fd, uid, gid);
    fchmodSync(fd, mode);
  } finally {
    closeSync(fd);
  }
}

function foreign(path: string): InstallError {
  return new InstallError("foreign", `${path} is not what Clawhold made there. Look at it, then try again.`);
}

/** Who carries out an update reads what is asked for as the link's user. */
function updateDirectory(layout: HostLayout): Owned {
  const { directory: path } = updatePlaces(layout);
  return { path, kind: "directory", owner: "root", group: "root", mode: 0o755 };
}

/** Pinned by whoever pastes the command, and by nobody else: an update brings none. */
function releaseKeyStep({ layout, release }: StepDeps): Step {
  const { releaseKey } = updatePlaces(layout);
  const brought = (): string | undefined => textOf(join(release.from, "release-key.json"));
  return {
    what: `Pin the key that signs releases in ${releaseKey}`,
    isDone: () => brought() === undefined || textOf(releaseKey) === brought(),
    carryOut: () => writeWhole(releaseKey, brought() ?? "", 0o600),
  };
}

/** So that an update and a removal know for whom the units were written. */
function placeStep({ layout }: StepDeps): Step {
  const { node, gatewayPort, gatewayHome } = layout;
  const place = { node, gatewayPort, gatewayHome };
  return {
    what: `Note where Node and the gateway are in ${manifestPath(layout)}`,
    isDone: () => JSON.stringify(readManifest(layout)?.place) === JSON.stringify(place),
    carryOut: () => note(layout, { place }),
  };
}

export function allUnitFiles(layout: HostLayout): readonly UnitFile[] {
  return [...unitFiles(layout), ...updateUnitFiles(layout)];
}

function unitStep({ path, content, mode }: UnitFile, { layout }: StepDeps): Step {
  return {
    what: `Write ${path}`,
    isDone: () => textOf(path) === content,
    carryOut() {
      note(layout, { file: path });
      writeWhole(path, content, mode);
    },
  };
}

function switchStep({ layout, release }: StepDeps): Step {
  const before = (): string | undefined => versionIn(layout.current);
  return {
    get what() {
      const from = before();
      return from === undefined || from === release.version
        ? `Use version ${release.version}`
        : `Use version ${release.version}, and keep ${from} as the way back`;
    },
    isDone: () => before() === release.version,
    carryOut: () => switchRelease(layout, release.version),
  };
}

/** What must be running again when any of it changes. */
function runningName({ layout, release }: StepDeps): string {
  const hash = createHash("sha256").update(`${release.version}\n${release.sha256}\n${release.node}\n`);
  for (const { path, content } of allUnitFiles(layout)) hash.update(`${path}\n${content}\n`);
  return hash.digest("hex");
}

const ENABLED = [...ENABLED_UNITS, UPDATE_UNITS.guard] as const;

/** Started by their sockets and timers; stopped first, because a socket does not start while its service runs. */
const BEHIND_SOCKETS = [UNITS.warden, UNITS.reader, UNITS.gateway] as const;

function startStep(deps: StepDeps): Step {
  const { layout, system } = deps;
  return {
    what: "Start the agent, now and at every boot",
    async isDone() {
      if (readManifest(layout)?.started !== runningName(deps)) return false;
      const { code } = await system.run(["systemctl", "is-enabled", "--quiet", ...ENABLED]);
      const { code: active } = await system.run(["systemctl", "is-active", "--quiet", UNITS.link]);
      return code === 0 && active === 0;
    },
    async carryOut() {
      note(layout, { started: undefined });
      await must(system, ["systemctl", "daemon-reload"]);
      await must(system, ["systemctl", "stop", ...BEHIND_SOCKETS]);
      await must(system, ["systemctl", "enable", "--quiet", ...ENABLED]);
      await must(system, ["systemctl", "restart", ...ENABLED_UNITS]);
      note(layout, { started: runningName(deps) });
    },
  };
}

function tidyStep({ layout, release }: StepDeps): Step {
  const old = (): readonly string[] => oldReleases(layout, release.version);
  return {
    get what() {
      return `Remove ${old().join(", ")} from ${layout.programs}: neither in use nor the way back`;
    },
    isDone: () => old().length === 0,
    carryOut: () => {
      for (const name of old()) rmSync(join(layout.programs, name), { recursive: true, force: true });
    },
  };
}

async function idsOf(system: System, name: string): Promise<{ readonly uid: number; readonly gid: number }> {
  const ids = await system.userOf(name);
  if (ids !== undefined) return ids;
  throw new InstallError("step_failed", `There is no user ${name} on this machine, and there should be by now.`);
}

/** @throws {InstallError} with what the program said */
export async function must(system: System, argv: readonly string[]): Promise<void> {
  const { code, out } = await system.run(argv);
  if (code === 0) return;
  const said = out.split("\n").slice(-3).join(" ").slice(0, 400);
  throw new InstallError(
    "step_failed",
    `${argv.join(" ")} failed (${String(code)}): ${said}. Solve that, then run the same again: it goes on where it stopped.`,
  );
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (systemCode(error) === "ENOENT") return undefined;
    throw error;
  }
}

function lstatOf(path: string): Stats | undefined {
  return lstatSync(path, { throwIfNoEntry: false });
}
