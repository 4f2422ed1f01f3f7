/**
 * Which files of a failed run are run once more, and what both runs together came to. Decides only; stage.ts runs.
 * Whatever is decided here in favour of a test is said in the summary.
 */
import type { Failure, FileRecord, RunRecord } from "./record.ts";

/** Of more, something is broken, and a second run would only take time. */
export const MOST_FILES = 5;

/** Empty when the run stands as it is. */
export function filesToTryAgain({ files, unhandled }: RunRecord): readonly string[] {
  // An error that no test caused would be gone from the second run, and nobody would know.
  if (unhandled.length > 0) return [];
  const failed = files.filter(({ isFailed }) => isFailed).map(({ path }) => path);
  return failed.length > MOST_FILES ? [] : failed;
}

export interface Together {
  readonly record: RunRecord;
  /** Failures of the first run in files that passed the second one. */
  readonly forgiven: readonly Failure[];
}

/** The second run speaks for the files that it ran; a file that it did not run stays failed. */
export function together(first: RunRecord, second: RunRecord): Together {
  const later = new Map(second.files.map((file) => [file.path, file]));
  const pairs = first.files.map((before): readonly [FileRecord, FileRecord] => [
    before,
    before.isFailed ? (later.get(before.path) ?? before) : before,
  ]);
  return {
    record: { files: pairs.map(([, after]) => after), unhandled: [...first.unhandled, ...second.unhandled] },
    forgiven: pairs.flatMap(([before, after]) => (before.isFailed && !after.isFailed ? before.failures : [])),
  };
}

export function isGreen({ files, unhandled }: RunRecord): boolean {
  return unhandled.length === 0 && files.every(({ isFailed }) => !isFailed);
}
