/** What `clawhold up backup` and `clawhold up restore` do: find out whether an edge runs, and say what was made. */
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { holdRunning } from "../../edge/backup/hold-running.ts";
import { makeBackup, nothingToHold, type BackupMade } from "../../edge/backup/make.ts";
import { restoreBackup } from "../../edge/backup/restore.ts";
import { CONTROL_SOCKET } from "../../edge/control.ts";
import { EdgeError } from "../../shared/edge-error.ts";
import { acquireLock, type Lock } from "../../shared/lock.ts";
import { dataDirectoryOf, type CommandInput } from "../command.ts";
import { CliError, EXIT, usageError, type CliIo, type ExitCode } from "../io.ts";
import { runDirectoryOf } from "../running-edge.ts";
import { readMigrations } from "./migrations.ts";

export async function runBackup(input: CommandInput, io: CliIo): Promise<ExitCode> {
  const target = placeOf(input, "backup");
  const dataDirectory = dataDirectoryOf(input, io);
  if (!existsSync(join(dataDirectory, "version"))) {
    throw new CliError(
      "no_data",
      `There is no data directory at ${dataDirectory}. Say which one with --data.`,
      EXIT.usage,
    );
  }
  const made = await backUp(dataDirectory, target, io);
  const { path, files, bytes, heldMilliseconds } = made;
  if (input.json) io.out(JSON.stringify({ event: "backup", path, files, bytes, heldMilliseconds }));
  else {
    io.out(`Backed up to ${path}: ${files} files, ${bytes} bytes.`);
    io.out("It holds the edge's keys. Keep it where nobody else can read it.");
  }
  return EXIT.ok;
}

/** The lock is the edge's while one runs; otherwise ours for as long as it takes, so that none starts meanwhile. */
async function backUp(dataDirectory: string, target: string, io: CliIo): Promise<BackupMade> {
  const lock = tryLock(dataDirectory);
  const common = { dataDirectory, target, version: io.version, now: () => new Date() };
  if (lock === undefined) {
    const socket = join(runDirectoryOf(dataDirectory), CONTROL_SOCKET);
    return makeBackup({ ...common, hold: () => holdRunning(socket) });
  }
  try {
    return await makeBackup({ ...common, hold: nothingToHold });
  } finally {
    lock.release();
  }
}

function tryLock(dataDirectory: string): Lock | undefined {
  try {
    return acquireLock(join(dataDirectory, "lock"), () => new Date());
  } catch (error) {
    if (error instanceof EdgeError && error.code === "locked") return undefined;
    throw error;
  }
}

export function runRestore(input: CommandInput, io: CliIo): ExitCode {
  const migrations = readMigrations(io.bundle.migrations).map(({ name }) => name);
  const restored = restoreBackup({
    backup: placeOf(input, "restore"),
    dataDirectory: dataDirectoryOf(input, io),
    migrations,
  });
  const { path, files, at, madeBy } = restored;
  if (input.json) io.out(JSON.stringify({ event: "restored", path, files, at, madeBy }));
  else {
    io.out(`Restored ${files} files to ${path}, as they were at ${at} (backed up by Clawhold ${madeBy}).`);
    io.out("Never run this copy and the one that it was made from at the same time: both hold the same keys.");
    io.out(`Start it with: clawhold up --data ${path}`);
  }
  return EXIT.ok;
}

function placeOf({ words: [place] }: CommandInput, name: string): string {
  if (place !== undefined && place !== "") return resolve(place);
  throw usageError(`clawhold up ${name} needs a directory. Type clawhold up ${name} --help for what it takes.`);
}
