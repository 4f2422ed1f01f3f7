/**
 * The way back. Repeating it harms nothing: each path is made what it was unless it is so already, and what follows the files is
 * settled again. First what was not there before is removed, which also makes room on a disk that is full.
 */
import { clearAlarm, removeRecovery } from "./dead-man.ts";
import { DiskError } from "./disk.ts";
import { halt, settle, sorted, type Direction } from "./effects.ts";
import { must } from "./hands.ts";
import { restoreApproval, touchesRules } from "./approved-rules.ts";
import { removeCable } from "./knock.ts";
import { driftOf, type FixRecord, type Touched } from "./record.ts";
import { hasSystemd, sentenceOf, type Transacting } from "./transacting.ts";

interface TakingBack {
  readonly direction: Exclude<Direction, "forward">;
  /** Why, as a code; undefined when a person asked for it. */
  readonly reason?: string;
}

/** @throws what the disk says: then it stays armed, and is tried again */
export async function takeBack(
  transacting: Transacting,
  record: FixRecord,
  { direction, reason }: TakingBack,
): Promise<FixRecord> {
  const { hands, records, log } = transacting;
  records.dropBallast();
  if (direction === "back") for (const { name } of record.effects) await halt(hands, name);
  const elsewhere = changedByOthers(transacting, record);
  restorePaths(transacting, record, elsewhere);
  for (const { undo } of deedsOn(record, elsewhere))
    if (undo !== undefined && direction === "back") await must(hands, undo);
  for (const { name, of, before } of sorted(record.effects)) {
    try {
      await settle(hands, name, { of, before, direction, isProven: record.state === "applied" });
    } catch (error) {
      // The files are as they were; one daemon that does not follow must not keep the others from it.
      log(`${record.fix}: ${sentenceOf(error)}`);
    }
  }
  const { waiting: _, ...rest } = record;
  const undone: FixRecord = {
    ...rest,
    state: "undone",
    ended: hands.now(),
    ...(reason === undefined ? {} : { reason }),
  };
  records.save(undone);
  if (record.state === "applied" && touchesRules(record)) restoreApproval(records, record);
  if (direction === "back" && hasSystemd(hands)) {
    for (const alarm of ["deadman", "window"] as const) await clearAlarm(hands, alarm, record.fix);
    if (record.checks.some((check) => check.startsWith("fw."))) await removeCable(hands);
  }
  endRecovery(transacting);
  return undone;
}

/** The unit for the next start is there for as long as something is armed. */
export function endRecovery({ hands, records }: Transacting): void {
  if (records.armed().length === 0) removeRecovery(hands, records.directory);
}

/** Of files that a program owns, changed again since we had it change them: our part is taken out by its own command. */
function changedByOthers({ hands }: Transacting, record: FixRecord): readonly Touched[] {
  return driftOf(record, hands.disk).filter(({ deed }) => deed !== undefined && record.deeds[deed]?.undo !== undefined);
}

function deedsOn(record: FixRecord, touched: readonly Touched[]): FixRecord["deeds"] {
  const paths = new Set(touched.map(({ path }) => path));
  return record.deeds.filter(({ touches }) => touches.some((path) => paths.has(path)));
}

/** A path in a directory that is no longer root's alone is left; it must not keep the others, and the way in, from coming back. */
function restoreOne({ log }: Transacting, path: string, restore: () => void): void {
  try {
    restore();
  } catch (error) {
    if (!(error instanceof DiskError)) throw error;
    log(`${path} is left: ${error.message}`);
  }
}

function restorePaths(transacting: Transacting, record: FixRecord, left: readonly Touched[]): void {
  const { hands, records } = transacting;
  const others = new Set(deedsOn(record, left).flatMap(({ touches }) => touches));
  const mine = record.touched.filter(({ path }) => !others.has(path)).toReversed();
  const absentFirst = [
    ...mine.filter(({ before }) => before.kind === "absent"),
    ...mine.filter(({ before }) => before.kind !== "absent"),
  ];
  for (const { path, before, blob, isModeOnly } of absentFirst) {
    if (isModeOnly === true) hands.disk.restoreMode(path, before);
    else
      restoreOne(transacting, path, () => hands.disk.restore(path, before, () => records.kept(record.fix, blob ?? "")));
  }
}
