/**
 * Whether a `command.receipt` entry stands on what its host signed: the signature by the key that the trust log names, and
 * every word of the entry against every word of the receipt. Where a receipt stands in its host's chain is the audit's.
 */
import { fromBase64url } from "../bytes.ts";
import { MalformedError } from "../canonical.ts";
import type { LedgerEntry } from "../ledger.ts";
import { receiptCodec, type Receipt, type Signed } from "../messages.ts";
import { digestOf, verifySignature, type Digest } from "../signing.ts";
import type { AuditCode } from "./findings.ts";

export interface JudgedReceipt {
  readonly receipt: Receipt;
  readonly digest: Digest;
}

export interface ReceiptRoom {
  readonly workspace: Digest;
  /** base64url, of every host that was ever admitted. */
  hostKey(host: string): string | undefined;
}

export interface ReceiptVerdict {
  /** What is wrong, and whose receipt it claims to be. */
  readonly fault?: { readonly code: AuditCode; readonly host?: string };
  /** Signed by its host; also where the entry tells something else. */
  readonly judged?: JudgedReceipt;
}

/** Of any entry: one that is no `command.receipt` has none. */
export async function judgeReceipt(
  entry: LedgerEntry,
  signed: Signed | undefined,
  room: ReceiptRoom,
): Promise<ReceiptVerdict> {
  if (entry.action !== "command.receipt") return signed === undefined ? {} : { fault: { code: "receipt_misplaced" } };
  if (signed === undefined) return { fault: { code: "receipt_missing" } };
  const body = fromBase64url(signed.body);
  const receipt = read(body);
  if (receipt === undefined) return { fault: { code: "receipt_malformed" } };
  const digest = digestOf("receipt", body);
  if (digest !== entry.detail.receipt) return { fault: { code: "receipt_other" } };
  const { host } = receipt;
  if (receipt.workspace !== room.workspace) return { fault: { code: "receipt_foreign", host } };
  const publicKey = room.hostKey(host);
  if (publicKey === undefined) return { fault: { code: "receipt_stranger", host } };
  const isGenuine = await verifySignature({ kind: "receipt", body, signature: signed.signature, publicKey });
  if (!isGenuine) return { fault: { code: "receipt_forged", host } };
  const judged = { receipt, digest };
  return tellsTheSame(entry, receipt) ? { judged } : { judged, fault: { code: "contradiction", host } };
}

function tellsTheSame({ actor, target, detail }: LedgerEntry, receipt: Receipt): boolean {
  return (
    actor.kind === "host" &&
    actor.id === receipt.host &&
    target === receipt.host &&
    detail.intent === receipt.intent &&
    detail.verdict === receipt.verdict &&
    detail.code === receipt.code
  );
}

function read(body: Uint8Array): Receipt | undefined {
  try {
    return receiptCodec.decode(body);
  } catch (error) {
    if (error instanceof MalformedError) return undefined;
    throw error;
  }
}
