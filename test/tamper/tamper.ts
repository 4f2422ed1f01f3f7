/** What one tampering is, and the tools that make it. It knows neither which ones there are nor what must find them. */
import type { FileCode } from "../../agent/verify/report.ts";
import type { AuditCode } from "../../protocol/audit/findings.ts";
import type { ActivityRow } from "../../protocol/contracts/ledger.ts";
import type { LedgerLine } from "../../protocol/ledger-file.ts";
import { chainLines, chainOf, closed, noteOf, type EntryDraft, type LogTown } from "../fixtures/log-file.ts";

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

export const rowsOf = ({ world, drafts }: LogTown): ActivityRow[] => chainOf(world.workspace, drafts);

export function on(
  change: (rows: ActivityRow[], town: LogTown) => readonly ActivityRow[] | Promise<readonly ActivityRow[]>,
) {
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
export function rewritten(change: (drafts: EntryDraft[], town: LogTown) => EntryDraft[] | Promise<EntryDraft[]>) {
  return async (town: LogTown): Promise<Tampered> => {
    const drafts = await change([...town.drafts], town);
    const next = { ...town, drafts };
    const rows = rowsOf(next);
    return { lines: await chainLines(next, { rows, notes: [await noteOf(town, { rows })] }) };
  };
}

/** The same, against a reader who kept a checkpoint of the honest one. */
export function rewrittenBefore(change: Parameters<typeof rewritten>[0]) {
  return async (town: LogTown): Promise<Tampered> => {
    const made = await rewritten(change)(town);
    return { ...made, kept: await noteOf(town, { rows: rowsOf(town).slice(0, 12) }) };
  };
}

export function lines(change: (honest: LedgerLine[], town: LogTown) => unknown[] | Promise<unknown[]>) {
  return async (town: LogTown): Promise<Tampered> => ({ lines: await change(await chainLines(town), town) });
}

export const isKind =
  (kind: string) =>
  (line: LedgerLine): boolean =>
    line.kind === kind;

export function replaced<T>(list: readonly T[], at: number, make: (one: T) => unknown): unknown[] {
  return list.map((one, i) => (i === at ? make(one) : one));
}
