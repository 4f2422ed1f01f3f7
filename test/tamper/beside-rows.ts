/** What stands beside an entry and is not in its digest: openings that the database can erase, receipts that hosts signed. */
import { toBase64url } from "../../protocol/bytes.ts";
import type { ActivityRow } from "../../protocol/contracts/ledger.ts";
import { flipBase64url, nonceOf } from "../fixtures/keys.ts";
import { on, type Tamper } from "./tamper.ts";

const at = (index: number, change: (row: ActivityRow, rows: readonly ActivityRow[]) => ActivityRow) =>
  on((rows) => rows.map((row) => (row.index === index ? change(row, rows) : row)));
const receiptOf = (rows: readonly ActivityRow[], index: number): ActivityRow["receipt"] => rows[index - 1]?.receipt;
const without = (row: ActivityRow, member: keyof ActivityRow): ActivityRow =>
  Object.fromEntries(Object.entries(row).filter(([name]) => name !== member)) as ActivityRow;

export const besideRows: readonly Tamper[] = [
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
