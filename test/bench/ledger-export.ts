/**
 * Copies of a long log, taken whole through the front of a real edge: how fast against reading the same rows from the
 * same database and doing nothing with them, and what memory the runtime needs meanwhile.
 */
import type { ExportFormat } from "../../protocol/ledger.ts";
import { LongLog } from "../e2e/ledger/long-log.ts";
import { row, type Row } from "./bench.ts";

const ENTRIES = 200_000;
/** As the export reads them. */
const PAGE = 500;
/** A file of some 120 MB must not be held anywhere; what remains is the collector's slack. */
const MEMORY_TARGET_MB = 96;

/** Seconds to read rows and openings in pages, through the same socket as everything in this process could. */
async function readRaw({ sql, workspace }: LongLog): Promise<number> {
  const started = performance.now();
  for (let after = 0; ;) {
    const [rows = []] = await sql([
      {
        sql: "SELECT idx, body, hash FROM ledger WHERE workspace = ?1 AND idx > ?2 ORDER BY idx LIMIT ?3",
        params: [workspace, after, PAGE],
      },
      {
        sql: "SELECT idx, field, salt, value FROM ledger_values WHERE workspace = ?1 AND idx > ?2 AND idx <= ?2 + ?3",
        params: [workspace, after, PAGE],
      },
    ]);
    const last = rows.at(-1)?.["idx"];
    if (last === undefined) return (performance.now() - started) / 1_000;
    after = Number(last);
  }
}

export async function exports(): Promise<readonly Row[]> {
  const log = await LongLog.start(ENTRIES);
  try {
    await readRaw(log); // the same pages of the disk for all
    const raw = await readRaw(log);
    const rows: Row[] = [];
    for (const format of ["jsonl", "csv", "ocsf"] as const satisfies readonly ExportFormat[]) {
      const { seconds, bytes, beforeMb, peakMb } = await log.take(format);
      rows.push(
        row({
          name: `${ENTRIES / 1_000},000 entries as ${format}`,
          value: seconds,
          unit: "s",
          baseline: { name: "the same rows read", value: raw },
        }),
        row({ name: "that is", value: bytes / 1e6 / seconds, unit: "MB/s" }),
        row({ name: "memory on top", value: peakMb - beforeMb, unit: "MB", target: MEMORY_TARGET_MB }),
      );
    }
    return rows;
  } finally {
    await log.stop();
  }
}
