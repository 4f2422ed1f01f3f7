/** What a campaign did, as a table for people. */
import type { Victim } from "./processes.ts";

export interface Ended {
  readonly step: string;
  readonly victim: Victim;
  readonly verdict: "executed" | "failed" | "interrupted" | "refused" | "refused unsigned";
  readonly code: string | undefined;
  /** New boots of the gateway because of this intent. */
  readonly restarts: number;
  readonly resubmitted: number;
  /** The ledger held it, its host had no place for it until the same bytes came again. */
  readonly wasLost: boolean;
  /** The word about an interrupted restart was given before the restart showed. */
  readonly wasEarly: boolean;
  /** The newest step that was said before the end of the victim. */
  readonly reached: string;
}

export function tableOf(all: readonly Ended[]): string {
  const groups = Map.groupBy(all, ({ step, victim }) => `${step} ${victim}`);
  const rows = [...groups.values()].map((group) => [
    group[0]?.step ?? "",
    group[0]?.victim ?? "",
    String(group.length),
    countsOf(group.map(({ verdict, code }) => (code === undefined ? verdict : `${verdict}: ${code}`))),
    countsOf(group.map(({ reached }) => reached)),
    String(sum(group, ({ restarts }) => restarts)),
    String(group.filter(({ restarts }) => restarts > 1).length),
    String(sum(group, ({ resubmitted }) => resubmitted)),
    String(group.filter(({ wasLost }) => wasLost).length),
    String(group.filter(({ wasEarly }) => wasEarly).length),
  ]);
  const head = [
    "killed at",
    "victim",
    "times",
    "ended as",
    "had reached",
    "restarts",
    "doubles",
    "sent again",
    "lost",
    "early",
  ];
  const total = [
    "all",
    "",
    String(all.length),
    countsOf(all.map(({ verdict }) => verdict)),
    "",
    String(sum(all, ({ restarts }) => restarts)),
    String(all.filter(({ restarts }) => restarts > 1).length),
    String(sum(all, ({ resubmitted }) => resubmitted)),
    String(all.filter(({ wasLost }) => wasLost).length),
    String(all.filter(({ wasEarly }) => wasEarly).length),
  ];
  return aligned([head, ...rows, total]);
}

function countsOf(names: readonly string[]): string {
  return [...Map.groupBy(names, (name) => name)].map(([name, each]) => `${name} ${String(each.length)}`).join(", ");
}

function sum(all: readonly Ended[], figure: (one: Ended) => number): number {
  return all.reduce((total, one) => total + figure(one), 0);
}

function aligned(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? "").length)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
