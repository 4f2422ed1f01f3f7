/** Lines of the log's own file format (protocol/ledger-file.ts). Pure. */
import { utf8Text } from "../../protocol/bytes.ts";
import type { ActivityRow } from "../../protocol/contracts/ledger.ts";
import { ledgerLineCodec, type LedgerLine } from "../../protocol/ledger-file.ts";

export function fileLine(line: LedgerLine): string {
  return `${utf8Text(ledgerLineCodec.encode(line))}\n`;
}

/**
 * An entry, not held against the schema: this is nearly all of a file, and a row that somebody damaged must reach the
 * verifier as it is, because finding it is the verifier's business. Canonical because its members are named in order.
 */
export function entryLine(row: ActivityRow): string {
  return `${JSON.stringify({ kind: "entry", row: ordered(row) })}\n`;
}

export function provenLine(row: ActivityRow, inclusion: readonly string[]): string {
  return `${JSON.stringify({ inclusion, kind: "proven", row: ordered(row) })}\n`;
}

function ordered({ body, country, device, hash, index, receipt, source }: ActivityRow): object {
  return {
    body,
    country: opened(country),
    device: opened(device),
    hash,
    index,
    receipt: receipt === undefined ? undefined : { body: receipt.body, signature: receipt.signature },
    source: opened(source),
  };
}

function opened(opening: ActivityRow["source"]): object | undefined {
  return opening === undefined ? undefined : { salt: opening.salt, value: opening.value };
}
