/**
 * One scan: collectors run side by side, each check is judged over what they gave. The fast lane takes the facts of the slow
 * one from when they were last seen, and lets them grow stale.
 */
import { checkIds } from "../../../protocol/posture.ts";
import type { Finding, Waiver } from "../../../protocol/posture/report.ts";
import { standingOf, type Standing } from "../../../protocol/posture/score.ts";
import type { ScanLane } from "../../../protocol/posture/words.ts";
import type { Collector, Setting } from "./collector.ts";
import { unknown, type Fact } from "./fact.ts";
import { readerOf, type FactName, type FactSet } from "./facts.ts";
import { judge } from "./judge.ts";
import type { Machine } from "./machine.ts";
import { collectors, judgements } from "./table.ts";

/** A day and some: the slow lane runs daily. */
const STALE_SECONDS = 26 * 3_600;

export interface ScanOptions {
  readonly machine: Machine;
  readonly lane: ScanLane;
  /** Facts of an earlier slow scan. */
  readonly kept?: FactSet;
  readonly waivers?: readonly Waiver[];
  readonly directory?: string;
  /** A person waits: what takes long and is worth little without an approved state before is left out, and said. */
  readonly isBrief?: boolean;
  /** For tests, and for a look that goes deeper. */
  readonly collectors?: readonly Collector[];
}

export interface Scan extends Standing {
  readonly at: number;
  readonly findings: readonly Finding[];
  /** Everything that was seen, kept facts included. */
  readonly facts: FactSet;
}

export async function scan(options: ScanOptions): Promise<Scan> {
  const { machine, lane, kept = {}, waivers = [], directory, isBrief = false } = options;
  const at = machine.now();
  const listed = options.collectors ?? collectors;
  // The slow lane looks at everything.
  const now = listed.filter((one) => lane === "slow" || one.lane === "fast");
  const facts: FactSet = {
    ...unlessStale(kept, at),
    ...(await collect(now, { machine, directory, kept: unlessStale(kept, at), isBrief })),
  };
  const reader = readerOf(facts);
  const findings = checkIds.map((check) => {
    const finding = judge(check, judgements[check], reader);
    const waiver = waivers.find((one) => one.check === check && one.until > at);
    return waiver === undefined ? finding : { ...finding, waiver };
  });
  return { ...standingOf(findings), at, findings, facts };
}

function unlessStale(kept: FactSet, now: number): FactSet {
  return Object.fromEntries(
    Object.entries<Fact<unknown>>(kept).map(([name, fact]) => [
      name,
      fact.kind === "known" && now - fact.evidence.at > STALE_SECONDS ? unknown("stale", fact.evidence.source) : fact,
    ]),
  );
}

/** In waves: one that needs another's facts waits for them. */
async function collect(listed: readonly Collector[], setting: Omit<Setting, "soFar">): Promise<FactSet> {
  let facts: FactSet = {};
  let waiting = [...listed];
  while (waiting.length > 0) {
    const open = new Set<FactName>(waiting.flatMap(({ gives }) => gives));
    const ready = waiting.filter(({ after = [] }) => !after.some((name) => open.has(name)));
    // A circle would be a mistake of ours: it is broken rather than waited for.
    const wave = ready.length > 0 ? ready : waiting;
    const soFar = facts;
    const given = await Promise.all(wave.map((one) => run(one, { ...setting, soFar })));
    facts = Object.assign({}, facts, ...given);
    waiting = waiting.filter((one) => !wave.includes(one));
  }
  return facts;
}

/** A collector that breaks loses its own facts and nobody else's; the checks on them say that looking failed. */
async function run(collector: Collector, setting: Setting): Promise<FactSet> {
  try {
    return await collector.collect(setting);
  } catch (error) {
    const name = error instanceof Error ? error.name : "unknown";
    return Object.fromEntries(collector.gives.map((fact) => [fact, unknown("failed", `${collector.name}: ${name}`)]));
  }
}
