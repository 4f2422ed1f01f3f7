/** Entries that stand alone with their proofs, and parts of the log with what stands before and after them. */
import { fromBase64url, toBase64url } from "../../protocol/bytes.ts";
import type { LedgerLine } from "../../protocol/ledger-file.ts";
import { flipBase64url, nonceOf } from "../fixtures/keys.ts";
import { chainLines, closed, noteOf, provenLines, type LogTown } from "../fixtures/log-file.ts";
import { entryOf, withEntry } from "./rows.ts";
import { rowsOf, type Tamper, type Tampered } from "./tamper.ts";

export const parts: readonly Tamper[] = [
  {
    name: "a proof's hash changed",
    power: "the file",
    by: "inclusion",
    make: bentProven((line) => ({
      ...line,
      inclusion: line.inclusion.map((hash, i) => (i === 1 ? flipBase64url(hash) : hash)),
    })),
  },
  {
    name: "a proof's hash left out",
    power: "the file",
    by: "inclusion",
    make: bentProven((line) => ({ ...line, inclusion: line.inclusion.slice(1) })),
  },
  {
    name: "a proof of another entry",
    power: "the file",
    by: "inclusion",
    make: bentProven((line, all) => ({ ...line, inclusion: all.at(-1)?.inclusion ?? [] })),
  },
  {
    name: "a proven entry changed and hashed",
    power: "the database",
    by: "inclusion",
    make: bentProven((line) => ({
      ...line,
      row: withEntry(line.row, { ...entryOf(line.row), at: 5 }, { rehash: true }),
    })),
  },
  {
    name: "a proven entry's digest changed",
    power: "the file",
    by: "entry_hash",
    make: bentProven((line) => ({ ...line, row: { ...line.row, hash: nonceOf("other") } })),
  },
  {
    name: "a proven entry under another index",
    power: "the file",
    by: "row_index",
    make: bentProven((line) => ({ ...line, row: { ...line.row, index: 3 } })),
  },
  {
    name: "a proven entry twice",
    power: "the file",
    by: "proven_order",
    make: async (town) => {
      const twice = (line: LedgerLine): readonly unknown[] => (line.kind === "proven" ? [line, line] : [line]);
      return { lines: closed((await provenLines(town, [4, 5])).flatMap(twice)) };
    },
  },
  {
    name: "neighbours' lines in a file of single entries",
    power: "the file",
    by: "line_order",
    make: async (town) => {
      const entryOfProven = (line: LedgerLine): unknown =>
        line.kind === "proven" ? { kind: "entry", row: line.row } : line;
      return { lines: closed((await provenLines(town, [3])).map(entryOfProven)) };
    },
  },
  {
    name: "what somebody signed for no entry here",
    power: "the file",
    by: "evidence_unknown",
    make: async (town) => ({ lines: closed((await provenLines(town, [4])).filter((line) => line.kind !== "proven")) }),
  },
  {
    name: "what somebody signed changed",
    power: "the file",
    by: "evidence_refused",
    make: bentEvidence((text) =>
      text.replace(/"sessionSignature":"./, (found) => found.slice(0, -1) + (found.endsWith("A") ? "B" : "A")),
    ),
  },
  {
    name: "something else for what somebody signed",
    power: "the file",
    by: "evidence_malformed",
    make: bentEvidence(() => "{}"),
  },
  {
    name: "what stands before: a hash changed",
    power: "the file",
    by: "root",
    make: bentBefore((line) => ({ ...line, frontier: line.frontier.map((hash) => flipBase64url(hash)) })),
  },
  {
    name: "what stands before: a hash more",
    power: "the file",
    by: "before_malformed",
    make: bentBefore((line) => ({ ...line, frontier: [...line.frontier, nonceOf("more")] })),
  },
  {
    name: "what stands before: another last digest",
    power: "the file",
    by: "entry_previous",
    make: bentBefore((line) => ({ ...line, hash: nonceOf("other") })),
  },
  {
    name: "what stands before: another place",
    power: "the file",
    by: "entry_gap",
    make: bentBefore((line) => ({ ...line, index: 8, frontier: line.frontier.slice(0, 1) })),
  },
  {
    name: "what comes after: a proof's hash changed",
    power: "the file",
    by: "after_proof",
    make: bentAfter((line) => ({ ...line, consistency: line.consistency.map((hash) => flipBase64url(hash)) })),
  },
  {
    name: "what comes after: an entry of the part left out",
    power: "the file",
    by: "line_order",
    make: async (town) => ({ lines: closed((await chainLines(town, { last: 9 })).toSpliced(-3, 1)) }),
  },
  {
    name: "a file that begins behind the checkpoint that was kept",
    power: "the ledger key",
    by: "kept_unjudged",
    make: async (town) => ({
      lines: await chainLines(town, { first: 6, evidence: false }),
      kept: await noteOf(town, { rows: rowsOf(town).slice(0, 3) }),
    }),
  },
  {
    name: "a beginning left out, as if a policy had dropped it",
    power: "the ledger key",
    by: "dropped_untold",
    make: async (town) => ({ lines: await chainLines(town, { first: 5, isDropped: true, evidence: false }) }),
  },
];

type ProvenLine = Extract<LedgerLine, { kind: "proven" }>;

function bentProven(change: (line: ProvenLine, all: readonly ProvenLine[]) => unknown) {
  return async (town: LogTown): Promise<Tampered> => {
    const honest = await provenLines(town, [5, 16]);
    const all = honest.filter((line): line is ProvenLine => line.kind === "proven");
    return { lines: honest.map((line) => (line === all[0] ? change(all[0], all) : line)) };
  };
}

function bentEvidence(change: (text: string) => string) {
  return async (town: LogTown): Promise<Tampered> => ({
    lines: (await provenLines(town, [4, 5])).map((line) =>
      line.kind === "evidence"
        ? {
            ...line,
            submission: toBase64url(Buffer.from(change(Buffer.from(fromBase64url(line.submission)).toString()))),
          }
        : line,
    ),
  });
}

function bentBefore(change: (line: Extract<LedgerLine, { kind: "before" }>) => unknown) {
  return async (town: LogTown): Promise<Tampered> => ({
    lines: (await chainLines(town, { first: 6, evidence: false })).map((line) =>
      line.kind === "before" ? change(line) : line,
    ),
  });
}

function bentAfter(change: (line: Extract<LedgerLine, { kind: "after" }>) => unknown) {
  return async (town: LogTown): Promise<Tampered> => ({
    lines: (await chainLines(town, { last: 9 })).map((line) => (line.kind === "after" ? change(line) : line)),
  });
}
