/** Lines of the log's own file format (protocol/ledger-file.ts). Pure. */
import { utf8Text } from "../../protocol/bytes.ts";
import { encodeCanonical } from "../../protocol/canonical.ts";
import type { ActivityRow } from "../../protocol/contracts/ledger.ts";
import { ledgerLineCodec, type LedgerLine } from "../../protocol/ledger-file.ts";

export function fileLine(line: LedgerLine): string {
  return `${utf8Text(ledgerLineCodec.encode(line))}\n`;
}

/**
 * An entry, not held against the schema: this is nearly all of a file, and a row that somebody damaged must reach the
 * verifier as it is, because finding it is the verifier's business.
 */
export function entryLine(row: ActivityRow): string {
  return `${utf8Text(encodeCanonical({ kind: "entry", row }))}\n`;
}

export function provenLine(row: ActivityRow, inclusion: readonly string[]): string {
  return `${utf8Text(encodeCanonical({ kind: "proven", row, inclusion }))}\n`;
}
