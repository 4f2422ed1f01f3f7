/** A scan that is remembered: facts of the slow lane for the next fast one, and a report chained to the one before. */
import type { Report } from "../../../protocol/posture/report.ts";
import type { ScanLane } from "../../../protocol/posture/words.ts";
import type { FactSet } from "./facts.ts";
import type { Machine } from "./machine.ts";
import { withMoment } from "./moments.ts";
import { scan } from "./scan.ts";
import type { PostureStore } from "./store.ts";

export interface KeepOptions {
  readonly machine: Machine;
  readonly lane: ScanLane;
  readonly agentVersion: string;
  /** Undefined: nothing is remembered. */
  readonly store: PostureStore | undefined;
}

export async function scanAndKeep({ machine, lane, agentVersion, store }: KeepOptions): Promise<Report> {
  const found = await scan({
    machine,
    lane,
    ...(store === undefined ? {} : { kept: store.facts(), waivers: store.waivers(), directory: store.directory }),
  });
  const previous = store?.reportDigest();
  const report: Report = {
    v: 1,
    at: found.at,
    lane,
    privileged: machine.isRoot,
    agentVersion,
    advisories: knownAdvisories(found.facts),
    score: found.score,
    grade: found.grade,
    findings: [...found.findings],
    ...(previous === undefined ? {} : { previous }),
  };
  store?.saveFacts(found.facts);
  if (store !== undefined) keepMoment(store, report);
  store?.saveReport(report);
  return report;
}

function keepMoment(store: PostureStore, report: Report): void {
  const moments = store.moments();
  const next = withMoment(moments, { before: store.report(), report });
  if (next !== moments) store.saveMoments(next);
}

function knownAdvisories(facts: FactSet): Report["advisories"] {
  const known = facts["advisories.known"];
  return known?.kind === "known" ? { asOf: known.value.asOf, count: known.value.count } : { count: 0 };
}
