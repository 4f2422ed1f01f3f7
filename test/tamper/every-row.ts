/** Every value of every entry, and every row: whatever there is can be changed, left out, doubled or moved. */
import type { ActivityRow } from "../../protocol/contracts/ledger.ts";
import type { LogTown } from "../fixtures/log-file.ts";
import { changedAt, entryOf, rechained, waysOf, withEntry, withoutAt } from "./rows.ts";
import { on, rowsOf, type Tamper } from "./tamper.ts";

/** Each value of each entry: changed, changed and hashed, changed and everything after it linked anew. */
export function fieldTampers(town: LogTown): readonly Tamper[] {
  return rowsOf(town).flatMap((row, at) => {
    const entry = entryOf(row);
    return waysOf(entry).flatMap((way): Tamper[] => {
      const place = `entry ${String(at + 1)}, ${way.join(".")}`;
      const change = (rows: ActivityRow[], rehash: boolean): ActivityRow[] =>
        rows.map((one, i) => (i === at ? withEntry(one, changedAt(entry, way), { rehash }) : one));
      const drop = (rows: ActivityRow[]): ActivityRow[] =>
        rows.map((one, i) => (i === at ? withEntry(one, withoutAt(entry, way), { rehash: true }) : one));
      const isPlace = way[0] === "index" || way[0] === "previous";
      return [
        { name: `${place} changed`, power: "the file", by: "root", make: on((rows) => change(rows, false)) },
        { name: `${place} changed, hashed`, power: "the database", by: "root", make: on((rows) => change(rows, true)) },
        // Numbering and linking anew makes those two what they were.
        ...(isPlace
          ? []
          : [
              {
                name: `${place} changed, all linked anew`,
                power: "the database",
                by: "root",
                make: on((rows) => rechained(change(rows, true))),
              } as const,
              {
                name: `${place} left out, all linked anew`,
                power: "the database",
                by: "root",
                make: on((rows) => rechained(drop(rows))),
              } as const,
            ]),
      ];
    });
  });
}
export function rowTampers(town: LogTown): readonly Tamper[] {
  const size = town.drafts.length;
  return Array.from({ length: size }, (_, at) => at).flatMap((at): Tamper[] => {
    const n = String(at + 1);
    const isLast = at === size - 1;
    return [
      {
        name: `row ${n} deleted`,
        power: "the file",
        by: isLast ? "short" : "entry_gap",
        make: on((rows) => rows.toSpliced(at, 1)),
      },
      {
        name: `row ${n} deleted, all linked anew`,
        power: "the database",
        by: "short",
        make: on((rows) => rechained(rows.toSpliced(at, 1))),
      },
      {
        name: `row ${n} twice`,
        power: "the file",
        by: "uncovered",
        make: on((rows) => rows.toSpliced(at, 0, ...rows.slice(at, at + 1))),
      },
      {
        name: `row ${n} twice, all linked anew`,
        power: "the database",
        by: "uncovered",
        make: on((rows) => rechained(rows.toSpliced(at, 0, ...rows.slice(at, at + 1)))),
      },
      { name: `everything after row ${n} cut`, power: "the file", by: "short", make: on((rows) => rows.slice(0, at)) },
      ...(isLast
        ? []
        : [
            {
              name: `rows ${n} and the next exchanged`,
              power: "the file",
              by: "root",
              make: on((rows) => swapped(rows, at)),
            } as const,
            {
              name: `rows ${n} and the next exchanged, all linked anew`,
              power: "the database",
              by: "root",
              make: on((rows) => rechained(swapped(rows, at))),
            } as const,
          ]),
      {
        name: `row ${n}: another index beside it`,
        power: "the file",
        by: "row_index",
        make: on((rows) => rows.map((row, i) => (i === at ? { ...row, index: row.index + 100 } : row))),
      },
    ];
  });
}

function swapped(rows: readonly ActivityRow[], at: number): ActivityRow[] {
  const [one, two] = rows.slice(at, at + 2);
  return one === undefined || two === undefined ? [...rows] : rows.toSpliced(at, 2, two, one);
}
