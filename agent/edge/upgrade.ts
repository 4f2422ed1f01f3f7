/**
 * Brings a data directory to this program's layout before anything serves from it, and keeps a backup of what was there
 * first, so that there is a way back. Refuses what a newer program has changed, before the runtime could run yesterday's
 * code over it. The database's own migrations run later (d1.ts); here is only looked which are missing.
 */

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { EdgeError } from "../shared/edge-error.ts";
import { writeFileAtomically } from "../shared/atomic-file.ts";
import { appliedMigrations } from "./backup/databases.ts";
import {
  backupName,
  forgetUnfinished,
  noteUnfinished,
  pruneBackups,
  removePartial,
  unfinishedBackup,
  wayBack,
} from "./backup/kept.ts";
import { makeBackup, nothingToHold } from "./backup/make.ts";
import type { Migration } from "./d1.ts";
import { DATA_VERSION, type DataDirectory } from "./data-directory.ts";
import type { EdgeLog } from "./edge-log.ts";

/** From version n to n + 1. Runs under the lock; must survive a crash half-way, because it is then run again. */
export type Upgrade = (path: string) => void;

export interface Layout {
  readonly version: number;
  readonly upgrades: Readonly<Record<number, Upgrade>>;
}

const LAYOUT: Layout = { version: DATA_VERSION, upgrades: {} };

export interface UpgradeInput {
  readonly data: Pick<DataDirectory, "path" | "version">;
  readonly migrations: readonly Migration[];
  /** Of this program. */
  readonly version: string;
  readonly now: () => Date;
  readonly log: EdgeLog;
  /** For tests. */
  readonly layout?: Layout;
}

interface Keeping extends Pick<UpgradeInput, "version" | "now" | "log"> {
  readonly root: string;
}

export async function upgradeData({
  data,
  migrations,
  version,
  now,
  log,
  layout = LAYOUT,
}: UpgradeInput): Promise<void> {
  const root = data.path;
  const applied = appliedMigrations(root);
  const known = new Set(migrations.map(({ name }) => name));
  const unknown = applied.find((name) => !known.has(name));
  if (unknown !== undefined) {
    throw new EdgeError(
      "data_newer",
      `The data in ${root} was changed by a newer Clawhold (${unknown}). Nothing was changed now. ${wayBack(root)}`,
    );
  }
  const isBehind = data.version < layout.version || (applied.length > 0 && applied.length < known.size);
  if (!isBehind) return forgetUnfinished(root);
  await keepWhatIsThere({ root, version, now, log });
  for (let at = data.version; at < layout.version; at += 1) {
    const upgrade = layout.upgrades[at];
    if (upgrade === undefined) throw new TypeError(`no upgrade from data version ${at}`);
    upgrade(root);
    writeFileAtomically(join(root, "version"), `${at + 1}\n`);
  }
}

/** Once for an upgrade, however often it is begun: a later one would hold what a half-done step left. */
async function keepWhatIsThere({ root, version, now, log }: Keeping): Promise<void> {
  mkdirSync(join(root, "backups"), { recursive: true, mode: 0o700 });
  removePartial(root);
  if (unfinishedBackup(root, version) !== undefined) return;
  const target = join(root, "backups", backupName(version, now()));
  const { bytes } = await makeBackup({ dataDirectory: root, target, hold: nothingToHold, version, now });
  noteUnfinished(root, target);
  pruneBackups(root);
  log({ level: "info", code: "upgrade_backup", detail: `${target}, ${bytes} bytes` });
}
