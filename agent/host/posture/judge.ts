/**
 * Judges one check over facts. A check says what must hold, clause by clause; whether it passed, failed or could not be
 * verified follows from here alone, in one way for all.
 */
import { checks, type CheckId } from "../../../protocol/posture.ts";
import type { Evidence, Finding } from "../../../protocol/posture/report.ts";
import { evidenceLevels, isAtLeast, type EvidenceLevel } from "../../../protocol/posture/words.ts";
import type { Known, UnknownReason } from "./fact.ts";
import type { FactName, FactReader, Facts } from "./facts.ts";

/** What does not hold, in short sentences with the machine's values; empty: it holds. */
export type Shortfalls = readonly string[];

export interface Clause {
  readonly fact: FactName;
  /** Without this fact the check can still pass on the others. */
  readonly isExtra: boolean;
  /** Somebody's word who may lie: it can fail the check, and adds nothing to how well anything else is known. */
  readonly isAgainst: boolean;
  judge(
    reader: FactReader,
  ):
    | { readonly seen: Known<unknown>; readonly shortfalls: Shortfalls }
    | { readonly why: UnknownReason; readonly source: string };
}

export interface Judgement {
  /** A reason code when the check does not apply to this machine; asked first. */
  readonly exempt?: (reader: FactReader) => string | undefined;
  readonly clauses: readonly [Clause, ...Clause[]];
}

type Holds<N extends FactName> = (value: Facts[N], reader: FactReader) => Shortfalls;

export function clause<N extends FactName>(fact: N, holds: Holds<N>): Clause {
  return make(fact, holds, { isExtra: false, isAgainst: false });
}

/** One that strengthens the evidence where it can be had. */
export function extra<N extends FactName>(fact: N, holds: Holds<N>): Clause {
  return make(fact, holds, { isExtra: true, isAgainst: false });
}

/** One that can only speak against: without it nothing is missing, and with it nothing is proven. */
export function against<N extends FactName>(fact: N, holds: Holds<N>): Clause {
  return make(fact, holds, { isExtra: true, isAgainst: true });
}

function make<N extends FactName>(
  fact: N,
  holds: Holds<N>,
  kind: { readonly isExtra: boolean; readonly isAgainst: boolean },
): Clause {
  return {
    fact,
    ...kind,
    judge(reader) {
      const found = reader.get(fact);
      if (found.kind === "unknown") return { why: found.why, source: found.source };
      return { seen: found, shortfalls: holds(found.value, reader) };
    },
  };
}

/** Looking went wrong, as against: nobody was allowed to look. */
const faults: readonly UnknownReason[] = ["timeout", "failed", "malformed"];

interface Heard {
  readonly seen: Known<unknown>[];
  /** Of these, what tells how well the rest is known. */
  readonly counting: Known<unknown>[];
  readonly shortfalls: string[];
  readonly missing: { readonly why: UnknownReason; readonly source: string }[];
}

function ask(clauses: readonly Clause[], reader: FactReader): Heard {
  const heard: Heard = { seen: [], counting: [], shortfalls: [], missing: [] };
  for (const one of clauses) {
    const result = one.judge(reader);
    if ("seen" in result) {
      heard.seen.push(result.seen);
      if (!one.isAgainst || result.shortfalls.length > 0) heard.counting.push(result.seen);
      if (result.seen.gap !== undefined) heard.missing.push(result.seen.gap);
      heard.shortfalls.push(...result.shortfalls);
    } else if (!one.isExtra || faults.includes(result.why)) heard.missing.push(result);
  }
  return heard;
}

export function judge(check: CheckId, { exempt, clauses }: Judgement, reader: FactReader): Finding {
  const { rev, requires } = checks[check];
  const base = { check, rev, shortfalls: [], evidence: [] };
  const reason = exempt?.(reader);
  if (reason !== undefined) return { ...base, state: "not_applicable", reason };

  const { seen, counting, shortfalls, missing } = ask(clauses, reader);
  const level = strongest(counting);
  const told = { ...base, ...(level === undefined ? {} : { level }), evidence: evidenceOf(seen) };
  // Whatever could not be seen: what is seen to be wrong is wrong.
  if (shortfalls.length > 0) return { ...told, state: "fail", shortfalls: shortfalls.slice(0, 12).map(short) };
  const gap = missing.find(({ why }) => faults.includes(why)) ?? missing[0];
  if (gap !== undefined) {
    const state = faults.includes(gap.why) ? "error" : "unverified";
    return { ...told, state, reason: gap.why, shortfalls: [short(gap.source)] };
  }
  if (level === undefined || !isAtLeast(level, requires))
    return { ...told, state: "unverified", reason: "evidence_too_weak" };
  return { ...told, state: "pass" };
}

function strongest(seen: readonly Known<unknown>[]): EvidenceLevel | undefined {
  return evidenceLevels.findLast((level) => seen.some(({ evidence }) => evidence.level === level));
}

function evidenceOf(seen: readonly Known<unknown>[]): Evidence[] {
  return seen.slice(0, 8).map(({ evidence }) => evidence);
}

function short(text: string): string {
  return text.length <= 300 ? text : `${text.slice(0, 299)}\u2026`;
}
