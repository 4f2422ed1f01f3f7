/**
 * The tamper campaign: everything that somebody can do to a copy of the log, by what they hold. Each makes a file (and what
 * its reader kept from earlier); `by` is the check that finds it.
 */
import { noteSignerOf } from "../../agent/shared/signer.ts";
import type { FileCode } from "../../agent/verify/report.ts";
import type { AuditCode } from "../../protocol/audit/findings.ts";
import { fromBase64url, toBase64url } from "../../protocol/bytes.ts";
import type { ActivityRow } from "../../protocol/contracts/ledger.ts";
import type { LedgerLine } from "../../protocol/ledger-file.ts";
import { digestOf } from "../../protocol/signing.ts";
import { flipBase64url, nonceOf, seedOf, signerOf } from "../fixtures/keys.ts";
import {
  chainLines,
  chainOf,
  closed,
  commandOn,
  noteOf,
  provenLines,
  ReceiptMaker,
  trustLines,
  type EntryDraft,
  type LogTown,
} from "../fixtures/log-file.ts";
import { hostBodyOf, makeWorld, NOW, stated } from "../fixtures/workspace.ts";
import { changedAt, entryOf, rechained, waysOf, withEntry, withoutAt } from "./rows.ts";

/** What the attacker holds. `ledger key`: the edge's own, so that every new history is signed. */
export type Power = "the file" | "the database" | "the ledger key" | "a host key";

export interface Tampered {
  readonly lines: readonly unknown[];
  /** A checkpoint that the reader kept. */
  readonly kept?: string;
  /** Digests of trust statements that the reader knows of. */
  readonly trust?: readonly string[];
}

export interface Tamper {
  readonly name: string;
  readonly power: Power;
  /** `unwitnessed`: only the hosts can tell, and the verifier says that they did not sign this. */
  readonly by: FileCode | AuditCode;
  make(town: LogTown): Promise<Tampered>;
}

// ---- tools ----

const rowsOf = ({ world, drafts }: LogTown): ActivityRow[] => chainOf(world.workspace, drafts);

function on(change: (rows: ActivityRow[], town: LogTown) => readonly ActivityRow[] | Promise<readonly ActivityRow[]>) {
  return async (town: LogTown): Promise<Tampered> => {
    const honest = rowsOf(town);
    const notes = [await noteOf(town, { rows: honest, cosigners: town.hosts })];
    const rows = await change([...honest], town);
    return { lines: await withEvidence(town, { rows: rows as ActivityRow[], notes }) };
  };
}

/** The honest file's frame around rows that may be anything. */
async function withEvidence(
  town: LogTown,
  { rows, notes }: { readonly rows: readonly ActivityRow[]; readonly notes: readonly string[] },
): Promise<unknown[]> {
  const head = (await chainLines(town, { notes })).filter(({ kind }) => ["log", "trust", "checkpoint"].includes(kind));
  return closed([...head, ...rows.map((row) => ({ kind: "entry", row }))]);
}

/** A whole new history out of other drafts, signed with the ledger key; no host has seen it. */
function rewritten(change: (drafts: EntryDraft[], town: LogTown) => EntryDraft[] | Promise<EntryDraft[]>) {
  return async (town: LogTown): Promise<Tampered> => {
    const drafts = await change([...town.drafts], town);
    const next = { ...town, drafts };
    const rows = rowsOf(next);
    return { lines: await chainLines(next, { rows, notes: [await noteOf(town, { rows })] }) };
  };
}

/** The same, against a reader who kept a checkpoint of the honest one. */
function rewrittenBefore(change: Parameters<typeof rewritten>[0]) {
  return async (town: LogTown): Promise<Tampered> => {
    const made = await rewritten(change)(town);
    return { ...made, kept: await noteOf(town, { rows: rowsOf(town).slice(0, 12) }) };
  };
}

function lines(change: (honest: LedgerLine[], town: LogTown) => unknown[] | Promise<unknown[]>) {
  return async (town: LogTown): Promise<Tampered> => ({ lines: await change(await chainLines(town), town) });
}

const isKind =
  (kind: string) =>
  (line: LedgerLine): boolean =>
    line.kind === kind;

function replaced<T>(list: readonly T[], at: number, make: (one: T) => unknown): unknown[] {
  return list.map((one, i) => (i === at ? make(one) : one));
}

// ---- every field of every row ----

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

// ---- every row ----

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

// ---- what stands beside entries, around them, and behind them ----

const at = (index: number, change: (row: ActivityRow, rows: readonly ActivityRow[]) => ActivityRow) =>
  on((rows) => rows.map((row) => (row.index === index ? change(row, rows) : row)));
const receiptOf = (rows: readonly ActivityRow[], index: number): ActivityRow["receipt"] => rows[index - 1]?.receipt;
const without = (row: ActivityRow, member: keyof ActivityRow): ActivityRow =>
  Object.fromEntries(Object.entries(row).filter(([name]) => name !== member)) as ActivityRow;

const beside: readonly Tamper[] = [
  {
    name: "the last row's digest changed",
    power: "the file",
    by: "entry_hash",
    make: at(17, (row) => ({ ...row, hash: nonceOf("other") })),
  },
  {
    name: "a source address replaced",
    power: "the database",
    by: "opening_other",
    make: at(2, (row) => ({ ...row, source: { salt: row.source?.salt ?? "", value: "10.0.0.9" } })),
  },
  {
    name: "a salt replaced",
    power: "the database",
    by: "opening_other",
    make: at(4, (row) => ({ ...row, source: { salt: nonceOf("salt"), value: row.source?.value ?? "" } })),
  },
  {
    name: "a country replaced",
    power: "the database",
    by: "opening_other",
    make: at(2, (row) => ({ ...row, country: { salt: row.country?.salt ?? "", value: "FR" } })),
  },
  {
    name: "openings of two entries exchanged",
    power: "the database",
    by: "opening_other",
    make: on((rows) =>
      rows.map((row) =>
        row.index === 4
          ? { ...row, ...only(rows[5]?.source) }
          : row.index === 6
            ? { ...row, ...only(rows[3]?.source) }
            : row,
      ),
    ),
  },
  {
    name: "an opening beside an entry without one",
    power: "the file",
    by: "opening_misplaced",
    make: at(3, (row, rows) => ({ ...row, ...only(rows[1]?.source) })),
  },
  {
    name: "a source address erased without an entry",
    power: "the database",
    by: "withheld",
    make: at(4, (row) => without(row, "source")),
  },
  {
    name: "a country erased without an entry",
    power: "the database",
    by: "withheld",
    make: at(2, (row) => without(row, "country")),
  },
  {
    name: "a receipt removed",
    power: "the database",
    by: "receipt_missing",
    make: at(16, (row) => without(row, "receipt")),
  },
  {
    name: "a receipt's signature changed",
    power: "the database",
    by: "receipt_forged",
    make: at(16, (row) => ({
      ...row,
      receipt: { body: row.receipt?.body ?? "", signature: flipBase64url(row.receipt?.signature ?? "", 9) },
    })),
  },
  {
    name: "a receipt's content changed",
    power: "the database",
    by: "receipt_other",
    make: at(16, (row) => ({
      ...row,
      receipt: {
        body: toBase64url(
          Buffer.from(
            Buffer.from(row.receipt?.body ?? "", "base64url")
              .toString()
              .replace("executed", "failed"),
          ),
        ),
        signature: row.receipt?.signature ?? "",
      },
    })),
  },
  {
    name: "two receipts exchanged",
    power: "the database",
    by: "receipt_other",
    make: on((rows) =>
      rows.map((row) =>
        row.index === 5
          ? withReceipt(row, receiptOf(rows, 7))
          : row.index === 7
            ? withReceipt(row, receiptOf(rows, 5))
            : row,
      ),
    ),
  },
  {
    name: "something else for a receipt",
    power: "the database",
    by: "receipt_malformed",
    make: at(16, (row) => ({
      ...row,
      receipt: { body: toBase64url(Buffer.from("{}")), signature: row.receipt?.signature ?? "" },
    })),
  },
  {
    name: "a receipt beside another entry",
    power: "the file",
    by: "receipt_misplaced",
    make: at(17, (row, rows) => withReceipt(row, receiptOf(rows, 16))),
  },
];

const only = (source: ActivityRow["source"]): { readonly source?: NonNullable<ActivityRow["source"]> } =>
  source === undefined ? {} : { source };

function withReceipt(row: ActivityRow, receipt: ActivityRow["receipt"]): ActivityRow {
  return receipt === undefined ? row : { ...row, receipt };
}

/** Another workspace with the same hosts' names: its keys are real, its past is not this one. */
async function elsewhere(): Promise<LogTown["world"]> {
  return makeWorld((draft) => {
    draft.root["at"] = 1_700_000_000;
  });
}

const grafts: readonly Tamper[] = [
  {
    name: "a receipt that the host signed for another workspace",
    power: "the ledger key",
    by: "receipt_foreign",
    make: rewritten(async (drafts, { hosts }) => {
      const [host] = hosts;
      if (host === undefined) throw new RangeError("a host");
      const maker = new ReceiptMaker(await elsewhere(), host);
      await maker.next(nonceOf("one"));
      await maker.next(nonceOf("two"));
      return drafts.with(15, await maker.next(drafts[14]?.detail.intent ?? ""));
    }),
  },
  {
    name: "the trust log of another workspace",
    power: "the file",
    by: "trust_root",
    make: async (town) => {
      const world = await elsewhere();
      return { lines: await chainLines(town, { trust: trustLines({ ...town, world }) }) };
    },
  },
  {
    name: "the checkpoint of another workspace",
    power: "the file",
    by: "checkpoint_workspace",
    make: async (town) => {
      const rows = rowsOf(town);
      return {
        lines: await chainLines(town, { notes: [await noteOf({ ...town, world: await elsewhere() }, { rows })] }),
      };
    },
  },
  {
    name: "entries of another workspace, all of them signed",
    power: "the ledger key",
    by: "entry_workspace",
    make: async (town) => {
      const rows = chainOf((await elsewhere()).workspace, town.drafts);
      return { lines: await chainLines(town, { rows, notes: [await noteOf(town, { rows })] }) };
    },
  },
];

const frame: readonly Tamper[] = [
  { name: "the end line cut", power: "the file", by: "cut", make: lines((honest) => honest.slice(0, -1)) },
  {
    name: "cut in the middle, closed again",
    power: "the file",
    by: "short",
    make: lines((honest) => closed(honest.slice(0, 14))),
  },
  {
    name: "a line more than the end says",
    power: "the file",
    by: "end_count",
    make: lines((honest) => replaced(honest, honest.length - 1, () => ({ kind: "end", lines: 1 }))),
  },
  {
    name: "something after the end",
    power: "the file",
    by: "after_end",
    make: lines((honest) => [...honest, ...honest.slice(-2, -1)]),
  },
  {
    name: "a line of another form",
    power: "the file",
    by: "line_malformed",
    make: lines((honest) => closed([...honest.slice(0, -1), { kind: "entry", note: "signed by nobody" }])),
  },
  {
    name: "the checkpoint after the entries",
    power: "the file",
    by: "line_order",
    make: lines((honest) =>
      closed([...honest.filter((line) => !isKind("checkpoint")(line)), ...honest.filter(isKind("checkpoint"))]),
    ),
  },
  {
    name: "no checkpoint",
    power: "the file",
    by: "checkpoint_missing",
    make: lines((honest) => closed(honest.filter((line) => !isKind("checkpoint")(line)))),
  },
  {
    name: "no trust log",
    power: "the file",
    by: "trust_root",
    make: lines((honest) => closed(honest.filter((line) => !isKind("trust")(line)))),
  },
  {
    name: "the first line cut",
    power: "the file",
    by: "log_missing",
    make: lines((honest) => closed(honest.slice(1))),
  },
  {
    name: "the workspace's name exchanged",
    power: "the file",
    by: "workspace_other",
    make: lines((honest) => replaced(honest, 0, (line) => ({ ...(line as object), workspace: nonceOf("other") }))),
  },
];

const trust: readonly Tamper[] = [
  {
    name: "a trust statement left out",
    power: "the file",
    by: "trust_statement",
    make: bentTrust((statements) => statements.toSpliced(2, 1)),
  },
  {
    name: "two trust statements exchanged",
    power: "the file",
    by: "trust_statement",
    make: bentTrust(([a, b, ...rest]) => [b, a, ...rest]),
  },
  { name: "another ledger key in the root", power: "the file", by: "trust_root", make: bentRoot() },
  {
    name: "a ledger key put in by somebody without the right",
    power: "the ledger key",
    by: "trust_statement",
    make: rotatedByStranger,
  },
  {
    name: "a host put in by somebody without the right",
    power: "the ledger key",
    by: "trust_statement",
    make: admittedByStranger,
  },
];

function bentTrust(change: (statements: unknown[]) => unknown[]) {
  return lines((honest) => {
    const page = (line: LedgerLine): unknown =>
      line.kind === "trust" && line.page.root !== undefined
        ? { ...line, page: { ...line.page, statements: change([...line.page.statements]) } }
        : line;
    return honest.map(page);
  });
}

function bentRoot() {
  return lines((honest) =>
    honest.map((line) => {
      if (line.kind !== "trust" || line.page.root === undefined) return line;
      const root = JSON.parse(Buffer.from(line.page.root.root, "base64url").toString()) as Record<string, unknown>;
      root["ledgerKey"] = noteSignerOf(seedOf("attacker")).publicKey;
      const bytes = Buffer.from(JSON.stringify(root));
      return { ...line, page: { ...line.page, root: { ...line.page.root, root: toBase64url(bytes) } } };
    }),
  );
}

async function rotatedByStranger(town: LogTown): Promise<Tampered> {
  const { state, people } = town.world;
  const attacker = noteSignerOf(seedOf("attacker"));
  const statement = await stated(
    { state, by: people.vera.passkey },
    { kind: "ledger-key.rotate", body: { key: attacker.publicKey } },
  );
  const rows = rowsOf(town);
  const notes = [await noteOf(town, { rows, signer: attacker })];
  return {
    lines: await chainLines(town, {
      notes,
      trust: [...trustLines(town), { kind: "trust", page: { statements: [statement] } }],
    }),
  };
}

async function admittedByStranger(town: LogTown): Promise<Tampered> {
  const { state, people } = town.world;
  const statement = await stated(
    { state, by: people.vera.passkey },
    { kind: "host.admit", body: await hostBodyOf("attacker") },
  );
  return {
    lines: await chainLines(town, {
      trust: [...trustLines(town), { kind: "trust", page: { statements: [statement] } }],
    }),
  };
}

const checkpoints: readonly Tamper[] = [
  {
    name: "the checkpoint's root changed",
    power: "the file",
    by: "checkpoint_signature",
    make: bentNote((note) =>
      note.replace(
        /\n([A-Za-z0-9+/])([A-Za-z0-9+/]{42}=)\n/,
        (_all, first: string, rest: string) => `\n${first === "B" ? "C" : "B"}${rest}\n`,
      ),
    ),
  },
  {
    name: "the checkpoint's size changed",
    power: "the file",
    by: "checkpoint_signature",
    make: bentNote((note) => note.replace("\n17\n", "\n16\n")),
  },
  {
    name: "the checkpoint with an extension line",
    power: "the file",
    by: "checkpoint_malformed",
    make: bentNote((note) => note.replace("\n\n", "\nmore\n\n")),
  },
  {
    name: "signed by another ledger key",
    power: "the database",
    by: "checkpoint_signature",
    make: async (town) => ({
      lines: await chainLines(town, {
        notes: [await noteOf(town, { rows: rowsOf(town), signer: noteSignerOf(seedOf("attacker")) })],
      }),
    }),
  },
  {
    name: "an older checkpoint over all entries",
    power: "the file",
    by: "uncovered",
    make: async (town) => ({
      lines: await chainLines(town, { notes: [await noteOf(town, { rows: rowsOf(town).slice(0, 15) })] }),
    }),
  },
  {
    name: "a host's cosigned checkpoint of another past in it",
    power: "the ledger key",
    by: "checkpoint_other",
    make: async (town) => {
      const rows = rowsOf(town);
      const other = chainOf(town.world.workspace, town.drafts.toSpliced(2, 1)).slice(0, 9);
      return {
        lines: await chainLines(town, {
          notes: [
            await noteOf(town, { rows, cosigners: town.hosts }),
            await noteOf(town, { rows: other, cosigners: town.hosts }),
          ],
        }),
      };
    },
  },
];

function bentNote(change: (note: string) => string) {
  return async (town: LogTown): Promise<Tampered> => {
    const honest = await noteOf(town, { rows: rowsOf(town), cosigners: town.hosts });
    const bent = change(honest);
    if (bent === honest) throw new Error("the note was not bent");
    return { lines: await chainLines(town, { notes: [bent] }) };
  };
}

/** Indices of the story, from 0. */
const [RESTART, RECEIPT_ONE, REFUSED, RECEIPT_TWO, COUNT_ONE, LAST, RECEIPT_THREE] = [3, 4, 5, 6, 9, 14, 15] as const;

const resigned: readonly Tamper[] = [
  {
    name: "a receipt left out",
    power: "the ledger key",
    by: "unreported",
    make: rewritten((drafts) => drafts.toSpliced(RECEIPT_ONE, 1)),
  },
  {
    name: "a refused command left out with its receipt",
    power: "the ledger key",
    by: "unreported",
    make: rewritten((drafts) => drafts.toSpliced(REFUSED, 2)),
  },
  {
    name: "the acceptance of a command left out",
    power: "the ledger key",
    by: "unasked",
    make: rewritten((drafts) => drafts.toSpliced(LAST, 1)),
  },
  {
    name: "two receipts in another order",
    power: "the ledger key",
    by: "forked",
    make: rewritten((drafts) => [
      ...drafts.slice(0, RECEIPT_ONE),
      ...swap(drafts, RECEIPT_ONE, RECEIPT_TWO),
      ...drafts.slice(RECEIPT_TWO + 1),
    ]),
  },
  {
    name: "the entry says another verdict than the receipt",
    power: "the ledger key",
    by: "contradiction",
    make: rewritten((drafts) =>
      changedDraft(drafts, RECEIPT_THREE, (one) => ({ ...one, detail: { ...one.detail, verdict: "failed" } })),
    ),
  },
  {
    name: "the entry leaves out why the host refused",
    power: "the ledger key",
    by: "contradiction",
    make: rewritten((drafts) =>
      changedDraft(drafts, RECEIPT_TWO, (one) => ({ ...one, detail: withoutMember(one.detail, "code") })),
    ),
  },
  {
    name: "a receipt by a host that was never admitted",
    power: "the ledger key",
    by: "receipt_stranger",
    make: strangerReceipt,
  },
  {
    name: "a count of calls left out",
    power: "the ledger key",
    by: "uncounted",
    make: rewritten((drafts) => drafts.toSpliced(COUNT_ONE, 1)),
  },
  {
    name: "a count of calls made smaller",
    power: "the ledger key",
    by: "uncounted",
    make: rewritten((drafts) =>
      changedDraft(drafts, COUNT_ONE, (one) => ({ ...one, detail: { calls: { since: 1, total: 1 } } })),
    ),
  },
  {
    name: "the entry of an erasure left out",
    power: "the ledger key",
    by: "withheld",
    make: rewritten((drafts) => drafts.toSpliced(13, 1)),
  },
  {
    name: "a command told as another operation",
    power: "the ledger key",
    by: "evidence_told",
    make: rewritten((drafts) =>
      changedDraft(drafts, LAST, (one) => ({ ...one, detail: { ...one.detail, operation: "host.check@1" } })),
    ),
  },
  {
    name: "a command told as somebody else's",
    power: "the ledger key",
    by: "evidence_told",
    make: rewritten((drafts) =>
      changedDraft(drafts, LAST, (one) => ({ ...one, actor: { kind: "person", id: "p-otto" } })),
    ),
  },
  {
    name: "a command told at another time",
    power: "the ledger key",
    by: "evidence_refused",
    make: rewritten((drafts) => changedDraft(drafts, LAST, (one) => ({ ...one, at: 1_900_000_000_000 }))),
  },
  {
    name: "what somebody signed under another command",
    power: "the ledger key",
    by: "evidence_other",
    make: rewritten((drafts) => changedDraft(drafts, LAST, (one) => ({ ...one, ...submissionOf(drafts[RESTART]) }))),
  },
  { name: "an entry that does not name the one before", power: "the ledger key", by: "entry_previous", make: unlinked },
  { name: "an entry of no known form", power: "the ledger key", by: "entry_malformed", make: formless },
  {
    name: "the last word of a host that names another receipt",
    power: "the ledger key",
    by: "farewell_short",
    make: rewritten((drafts, { hosts }) => [
      ...drafts,
      {
        actor: { kind: "host", id: hosts[1]?.id ?? "" },
        action: "host.reset",
        target: hosts[1]?.id ?? "",
        detail: { receipt: nonceOf("later receipt") },
      },
    ]),
  },
  {
    name: "a person's command and its receipt left out at the end",
    power: "the ledger key",
    by: "unwitnessed",
    make: rewritten((drafts) => drafts.toSpliced(LAST, 2)),
  },
  {
    name: "a sign-in left out",
    power: "the ledger key",
    by: "unwitnessed",
    make: rewritten((drafts) => drafts.toSpliced(1, 1)),
  },
  {
    name: "a sign-in left out, before somebody who kept a checkpoint",
    power: "the ledger key",
    by: "kept_other",
    make: rewrittenBefore((drafts) => drafts.toSpliced(1, 1)),
  },
  {
    name: "an older state of everything, before somebody who kept a checkpoint",
    power: "the ledger key",
    by: "kept_longer",
    make: restored,
  },
  {
    name: "a kept checkpoint that the log never signed",
    power: "the file",
    by: "kept_signature",
    make: async (town) => ({
      lines: await chainLines(town),
      kept: await noteOf(town, { rows: rowsOf(town), signer: noteSignerOf(seedOf("attacker")) }),
    }),
  },
];

const swap = (drafts: readonly EntryDraft[], one: number, two: number): EntryDraft[] => {
  const middle = drafts.slice(one + 1, two);
  const [first, second] = [drafts[one], drafts[two]];
  return first === undefined || second === undefined ? [] : [second, ...middle, first];
};

function changedDraft(
  drafts: readonly EntryDraft[],
  at_: number,
  change: (one: EntryDraft) => EntryDraft,
): EntryDraft[] {
  return drafts.map((one, i) => (i === at_ ? change(one) : one));
}

function withoutMember(detail: EntryDraft["detail"], member: string): EntryDraft["detail"] {
  return Object.fromEntries(Object.entries(detail).filter(([name]) => name !== member));
}

function submissionOf(draft: EntryDraft | undefined): { readonly submission?: Uint8Array } {
  return draft?.submission === undefined ? {} : { submission: draft.submission };
}

async function strangerReceipt(town: LogTown): Promise<Tampered> {
  const { host: id } = await hostBodyOf("stranger");
  const stranger = { id, signer: await signerOf("stranger") };
  return rewritten(async (drafts, { world }) => {
    const accepted = await commandOn(world, id, "stranger's");
    const receipt = await new ReceiptMaker(world, stranger).next(accepted.detail.intent ?? "");
    // Without evidence: what Ada signed names a host that exists.
    return [...drafts, { ...accepted, submission: new Uint8Array() }, receipt].map((one) =>
      one.submission?.length === 0 ? (withoutSubmission(one) as EntryDraft) : one,
    );
  })(town);
}

function withoutSubmission(draft: EntryDraft): object {
  return Object.fromEntries(Object.entries(draft).filter(([name]) => name !== "submission"));
}

async function unlinked(town: LogTown): Promise<Tampered> {
  const rows = rowsOf(town);
  const last = rows.at(-1);
  if (last === undefined) throw new RangeError("rows");
  const bent = [
    ...rows.slice(0, -1),
    withEntry(last, { ...entryOf(last), previous: nonceOf("nothing") }, { rehash: true }),
  ];
  return {
    lines: await chainLines(town, { rows: bent, notes: [await noteOf(town, { rows: bent, cosigners: town.hosts })] }),
  };
}

async function formless(town: LogTown): Promise<Tampered> {
  const rows = rowsOf(town);
  const last = rows.at(-1);
  if (last === undefined) throw new RangeError("rows");
  const bent = [...rows.slice(0, -1), withEntry(last, { ...entryOf(last), action: "root.granted" }, { rehash: true })];
  return {
    lines: await chainLines(town, { rows: bent, notes: [await noteOf(town, { rows: bent, cosigners: town.hosts })] }),
  };
}

/** A backup of database and objects, put back: signed long ago, cosigned long ago. */
async function restored(town: LogTown): Promise<Tampered> {
  const rows = rowsOf(town);
  const older = rows.slice(0, 15);
  const notes = [await noteOf(town, { rows: older, cosigners: town.hosts })];
  return { lines: await chainLines(town, { rows: older, notes }), kept: await noteOf(town, { rows }) };
}

// ---- entries that stand alone, and parts ----

const proven: readonly Tamper[] = [
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
];

const rare: readonly Tamper[] = [
  {
    name: "a line that does not end",
    power: "the file",
    by: "line_too_long",
    make: lines((honest) => [...honest.slice(0, -1), { kind: "entry", note: "x".repeat(2_000_000) }]),
  },
  {
    name: "a ledger key that was replaced since",
    power: "the ledger key",
    by: "checkpoint_old_key",
    make: async (town) => {
      const { state, people } = town.world;
      const body = { key: noteSignerOf(seedOf("next ledger")).publicKey };
      const statement = await stated({ state, by: people.ada.passkey }, { kind: "ledger-key.rotate", body });
      return {
        lines: await chainLines(town, {
          trust: [...trustLines(town), { kind: "trust", page: { statements: [statement] } }],
        }),
      };
    },
  },
  {
    name: "a command signed under another trust log",
    power: "the ledger key",
    by: "evidence_head",
    make: rewritten(async (drafts, { world, hosts }) => {
      const host = hosts[2];
      if (host === undefined) throw new RangeError("a third host");
      const head = { ...world.state.head, hash: nonceOf("another history") };
      const accepted = await commandOn({ ...world, state: { ...world.state, head } }, host.id, "elsewhere");
      return [...drafts, accepted, await new ReceiptMaker(world, host).next(accepted.detail.intent ?? "")];
    }),
  },
  {
    name: "a receipt with a number that the host has used",
    power: "a host key",
    by: "forked",
    make: rewritten(async (drafts, { world, hosts }) => {
      const [host] = hosts;
      if (host === undefined) throw new RangeError("a host");
      const accepted = await commandOn(world, host.id, "cloned");
      const receipt = await new ReceiptMaker(world, host).next(accepted.detail.intent ?? "", { number: 3 });
      return [...drafts, accepted, receipt];
    }),
  },
  {
    name: "a kept checkpoint of another workspace",
    power: "the file",
    by: "kept_workspace",
    make: async (town) => ({
      lines: await chainLines(town),
      kept: await noteOf({ ...town, world: await elsewhere() }, { rows: rowsOf(town) }),
    }),
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
  {
    name: "a trust log as it was before hosts were admitted, so that one host is more than half",
    power: "the ledger key",
    by: "trust_older",
    make: async (town) => {
      const drafts: EntryDraft[] = [{ actor: { kind: "edge" }, action: "alert.raised", detail: { code: "other" } }];
      const rows = rowsOf({ ...town, drafts });
      const { root, statements } = town.world;
      const notes = [await noteOf(town, { rows, cosigners: town.hosts.slice(0, 1) })];
      const page = { root, statements: statements.slice(0, -2) };
      const newest = digestOf("statement", fromBase64url(statements.at(-1)?.statement ?? ""));
      return { lines: await chainLines(town, { rows, notes, trust: [{ kind: "trust", page }] }), trust: [newest] };
    },
  },
  {
    name: "tomorrow's entries, cosigned by all hosts today",
    power: "the ledger key",
    by: "cosigned_early",
    make: async (town) => {
      const late: EntryDraft = {
        actor: { kind: "edge" },
        action: "alert.raised",
        detail: { code: "other" },
        at: (NOW + 86_400) * 1_000,
      };
      const rows = rowsOf({ ...town, drafts: [late] });
      return { lines: await chainLines(town, { rows, notes: [await noteOf(town, { rows, cosigners: town.hosts })] }) };
    },
  },
  {
    name: "the newest trust statement kept back",
    power: "the file",
    by: "trust_short",
    make: async (town) => {
      // With what people signed in the file their own trust heads would tell.
      const honest = await chainLines(town, { evidence: false });
      const last = honest.findLastIndex(isKind("trust"));
      const shorter = (line: LedgerLine): unknown =>
        line.kind === "trust"
          ? { ...line, page: { ...line.page, statements: line.page.statements.slice(0, -1) } }
          : line;
      return { lines: replaced(honest, last, shorter) };
    },
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

/** Each with a name of its own: what the table of the campaign shows. */
export const namedTampers: readonly Tamper[] = [
  ...beside,
  ...grafts,
  ...frame,
  ...trust,
  ...checkpoints,
  ...resigned,
  ...proven,
  ...rare,
];
