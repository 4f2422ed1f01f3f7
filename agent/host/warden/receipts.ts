/**
 * The host's receipts: signed, numbered from 1, each naming the one before. Whoever holds two receipts of one host can
 * tell whether something between them is missing, and a clone of the host shows as a fork.
 */
import { fromBase64url, toBase64url } from "../../../protocol/bytes.ts";
import type { TrustHead } from "../../../protocol/fields.ts";
import {
  receiptCodec,
  ZERO_DIGEST,
  type Observed,
  type Receipt,
  type Signed,
  type Verdict,
} from "../../../protocol/messages.ts";
import type { RefusalCode } from "../../../protocol/refusals.ts";
import { digestOf, type Digest, type Signer } from "../../../protocol/signing.ts";
import { farewellCodec } from "../../../protocol/tunnel.ts";

/** Where the chain ends: the number and digest of the newest receipt. */
export interface ReceiptPosition {
  readonly number: number;
  readonly hash: Digest;
}
export const NO_RECEIPTS: ReceiptPosition = { number: 0, hash: ZERO_DIGEST };

export interface StoredReceipt {
  readonly receipt: Receipt;
  readonly signed: Signed;
}

export interface ReceiptDraft {
  readonly intent: Digest;
  readonly verdict: Verdict;
  readonly code?: RefusalCode;
  /** Host wall clock, seconds. */
  readonly started: number;
  readonly ended: number;
  readonly observed: Observed;
}

export interface ReceiptContext {
  readonly workspace: string;
  readonly host: string;
  readonly trustHead: TrustHead;
  readonly signer: Signer;
}

/** The receipt that follows `position`. It exists for others only once it is in the journal. */
export async function makeReceipt(
  draft: ReceiptDraft,
  position: ReceiptPosition,
  { workspace, host, trustHead, signer }: ReceiptContext,
): Promise<StoredReceipt> {
  const receipt: Receipt = {
    v: 1,
    workspace,
    host,
    ...draft,
    number: position.number + 1,
    previous: position.hash,
    trustHead,
  };
  const body = receiptCodec.encode(receipt);
  return { receipt, signed: { body: toBase64url(body), signature: await signer.sign("receipt", body) } };
}

/** @throws {MalformedError} */
export function readReceipt(signed: Signed): StoredReceipt {
  return { receipt: receiptCodec.decode(fromBase64url(signed.body)), signed };
}

export function positionOf({ receipt, signed }: StoredReceipt): ReceiptPosition {
  return { number: receipt.number, hash: digestOf("receipt", fromBase64url(signed.body)) };
}

export interface FarewellContext {
  readonly workspace: string;
  readonly host: string;
  readonly signer: Signer;
  /** Host wall clock, seconds. */
  readonly at: number;
}

/** The last word of a host key: where its chain of receipts ends. */
export async function makeFarewell(
  { number, hash }: ReceiptPosition,
  { workspace, host, signer, at }: FarewellContext,
): Promise<Signed> {
  const body = farewellCodec.encode({ v: 1, workspace, host, lastReceipt: { number, digest: hash }, at });
  return { body: toBase64url(body), signature: await signer.sign("farewell", body) };
}
