/** What a run did and what became of it, as a table for people. */
import type { Finding } from "./judge.ts";
import { endOf, type Run } from "./run.ts";

export function reportOf(run: Run, findings: readonly Finding[]): string {
  const { commands, history } = run;
  const executions = history.effects.flatMap((each) => each.executions).length;
  const restarts = history.effects.flatMap((each) => each.restarts).length;
  const ends = commands.map(({ last, acknowledged }) => endOf(last) ?? (acknowledged ? "no end" : "never arrived"));
  return [
    section("Faults", run.faults),
    section("Packets", new Map(Object.entries(run.packets))),
    section("Answers that were none", run.outages),
    section(
      "Commands",
      new Map([
        ["signed and sent", commands.length],
        ["acknowledged", commands.filter(({ acknowledged }) => acknowledged).length],
        ["answered: nothing was done", commands.filter(({ isDenied }) => isDenied).length],
        ["same bytes sent again", commands.reduce((total, { again }) => total + again, 0)],
        ["executions on hosts", executions],
        ["gateway restarts among them", restarts],
        ["receipts in the ledger", history.ledger.receipts.length],
        ["entries in the ledger", history.ledger.entries.length],
      ]),
    ),
    section("Ended as", tally(ends)),
    section("Errors in the edge's log", run.errors),
    section("Processes that ended by themselves", tally(run.ends)),
    section(
      "Verdict",
      new Map(
        (["lost", "executed twice", "stuck"] as const).map((accusation) => [
          accusation,
          findings.filter((finding) => finding.accusation === accusation).length,
        ]),
      ),
    ),
    `  ${"other findings".padEnd(WIDTH)}${String(findings.filter(({ accusation }) => !isNamed(accusation)).length)}`,
    `  ${"seconds until all was well".padEnd(WIDTH)}${(run.settledMilliseconds / 1_000).toFixed(1)}`,
    ...findings.map(({ accusation, detail }) => `  FOUND ${accusation}: ${detail}`),
  ].join("\n");
}

const WIDTH = 34;

function isNamed(accusation: string): boolean {
  return accusation === "lost" || accusation === "executed twice" || accusation === "stuck";
}

function section(title: string, rows: ReadonlyMap<string, number>): string {
  if (rows.size === 0) return title.padEnd(WIDTH + 2) + "none";
  const lines = [...rows].map(([name, value]) => `  ${name.padEnd(WIDTH)}${String(value)}`);
  return [title, ...lines].join("\n");
}

function tally(names: readonly string[]): ReadonlyMap<string, number> {
  const groups = [...Map.groupBy(names, (name) => name)];
  return new Map(groups.map(([name, each]): [string, number] => [name, each.length]).toSorted(([, a], [, b]) => b - a));
}
