/**
 * The figures of the newest report where the link of an installed host finds them: it may not look into reports, which hold
 * evidence.
 */
import { chmodSync, renameSync, writeFileSync } from "node:fs";
import type { Report } from "../../../protocol/posture/report.ts";
import { figuresOf } from "./figures.ts";

/** In a directory of root's. Not synced: after a power cut the next scan writes them. */
export function showFigures(path: string, report: Report): void {
  const beside = `${path}.tmp`;
  writeFileSync(beside, `${JSON.stringify(figuresOf(report))}\n`, { mode: 0o644 });
  chmodSync(beside, 0o644); // whatever the mask of this process takes away
  renameSync(beside, path);
}
