/**
 * Rows as the edge gives them out, read and linked. A row is what its bytes say, and its bytes are what its digest says;
 * where a row stands in the log is another question, and is not answered here.
 */
import { MalformedError } from "../../protocol/canonical.ts";
import type { ActivityRow } from "../../protocol/contracts.ts";
import {
  commit,
  entryCodec,
  entryDigest,
  personalFields,
  type ChainFault,
  type LedgerEntry as ProtocolEntry,
  type PersonalField,
} from "../../protocol/ledger.ts";
import type { Signed } from "../../protocol/messages.ts";
import type { TrustState } from "../../protocol/trust/state.ts";
import { bytesOf } from "./http.ts";
import { checkReceipt, type CheckedReceipt } from "./receipts.ts";

export interface CheckedRow {
  readonly row: ActivityRow;
  readonly entry: ProtocolEntry;
  readonly receipt: CheckedReceipt | undefined;
  /** Personal values whose openings fit their commitments. */
  readonly opened: Readonly<Partial<Record<PersonalField, string>>>;
  /** One that does not fit. */
  readonly misfit?: PersonalField;
}

/** Bytes that are the entry they claim to be. */
export interface ReadRow {
  readonly row: ActivityRow;
  readonly entry: ProtocolEntry;
}

export const faultWords: Readonly<Record<ChainFault, string>> = {
  malformed: "is not a well-formed entry",
  workspace: "belongs to another workspace",
  gap: "is missing, or out of place",
  previous: "is not the one that the entry after it names",
  hash: "was changed after it was written",
};

export function faultOf(index: number, fault: ChainFault): string {
  return `Entry ${index} ${faultWords[fault]}.`;
}

/** One row at the place where index `index` is expected. */
export function readRow(row: ActivityRow | undefined, index: number, workspace: string): ReadRow | ChainFault {
  if (row === undefined || row.index !== index) return "gap";
  const bytes = bytesOf(row.body);
  let entry: ProtocolEntry;
  try {
    entry = entryCodec.decode(bytes);
  } catch (error) {
    if (error instanceof MalformedError) return "malformed";
    throw error;
  }
  if (entry.workspace !== workspace) return "workspace";
  if (entry.index !== index) return "gap";
  return entryDigest(bytes) === row.hash ? { row, entry } : "hash";
}

/** Rows without a gap, oldest first, each named by the one after it. */
export type Run = readonly [ReadRow, ...ReadRow[]];

export interface Linked {
  /** Oldest first. One, where nothing is wrong. */
  readonly runs: readonly Run[];
  /** What stands where an entry should, by index. */
  readonly broken: ReadonlyMap<number, ChainFault>;
}

/** Reads the rows of indices `first` to `last` and links them; a row that is none ends a run. */
export function linkRows(
  rows: readonly ActivityRow[],
  { first, last, workspace }: { readonly first: number; readonly last: number; readonly workspace: string },
): Linked {
  const byIndex = new Map(rows.map((row) => [row.index, row]));
  const runs: [ReadRow, ...ReadRow[]][] = [];
  const broken = new Map<number, ChainFault>();
  let before: ReadRow | undefined;
  for (let index = first; index <= last; index += 1) {
    const read = readRow(byIndex.get(index), index, workspace);
    if (typeof read === "string") {
      broken.set(index, read);
      before = undefined;
    } else {
      if (before !== undefined && read.entry.previous === before.row.hash) runs.at(-1)?.push(read);
      else runs.push([read]);
      before = read;
    }
  }
  return { runs, broken };
}

export async function checkRow({ row, entry }: ReadRow, state: TrustState): Promise<CheckedRow> {
  const receipt = row.receipt === undefined ? undefined : await readableReceipt(row.receipt, state);
  const opened: Partial<Record<PersonalField, string>> = {};
  let misfit: PersonalField | undefined;
  for (const field of personalFields) {
    const opening = row[field];
    if (opening === undefined) continue;
    if (commit({ field, ...opening }) === entry[field]) opened[field] = opening.value;
    else misfit ??= field;
  }
  return { row, entry, receipt, opened, ...(misfit === undefined ? {} : { misfit }) };
}

/** Fields that the entry commits to and that were not opened. */
export function closedFields({ row, entry }: ReadRow): readonly PersonalField[] {
  return personalFields.filter((field) => entry[field] !== undefined && row[field] === undefined);
}

/** Bytes that are no receipt at all are as good as none: the entry that should have one gets no seal. */
async function readableReceipt(signed: Signed, state: TrustState): Promise<CheckedReceipt | undefined> {
  try {
    return await checkReceipt(signed, state);
  } catch (error) {
    if (error instanceof MalformedError) return undefined;
    throw error;
  }
}
