/** Receipts as pages show them. Only a signature checked here, against the key of the verified trust log, is a seal. */
import type { Signed, Receipt } from "../../protocol/messages.ts";
import { receiptCodec } from "../../protocol/messages.ts";
import { digestOf, verifySignature } from "../../protocol/signing.ts";
import type { TrustState } from "../../protocol/trust/state.ts";
import type { ReceiptView, Seal } from "../state/backend.ts";
import { bytesOf } from "./http.ts";
import { hostEverAdmitted } from "./once-known.ts";

export interface CheckedReceipt {
  readonly receipt: Receipt;
  readonly digest: string;
  readonly seal: Seal;
}

/** @throws {MalformedError} when the bytes are no receipt at all. */
export async function checkReceipt(signed: Signed, state: TrustState): Promise<CheckedReceipt> {
  const body = bytesOf(signed.body);
  const receipt = receiptCodec.decode(body);
  const digest = digestOf("receipt", body);
  return { receipt, digest, seal: await sealOf({ receipt, body, signature: signed.signature }, state) };
}

async function sealOf(
  { receipt, body, signature }: { readonly receipt: Receipt; readonly body: Uint8Array; readonly signature: string },
  state: TrustState,
): Promise<Seal> {
  const host = hostEverAdmitted(state, receipt.host);
  if (receipt.workspace !== state.workspace) return { state: "failed", reason: "the receipt is of another workspace" };
  if (host === undefined) return { state: "failed", reason: "the receipt names a host that was never admitted" };
  const genuine = await verifySignature({ kind: "receipt", body, signature, publicKey: host.hostKey });
  return genuine ? { state: "verified" } : { state: "failed", reason: "the host's signature does not verify" };
}

export function receiptView(
  { receipt, seal }: CheckedReceipt,
  { state, ledger }: { readonly state: TrustState; readonly ledger: readonly number[] },
): ReceiptView {
  const { gatewayBootBefore, gatewayBootAfter, reason } = receipt.observed;
  return {
    hostId: receipt.host,
    hostLabel: hostEverAdmitted(state, receipt.host)?.label ?? receipt.host,
    verdict: receipt.verdict,
    ...(receipt.code === undefined ? {} : { code: receipt.code }),
    ...(reason === undefined ? {} : { reason }),
    number: receipt.number,
    startedAt: receipt.started,
    endedAt: receipt.ended,
    ...(gatewayBootBefore === undefined ? {} : { bootBefore: gatewayBootBefore }),
    ...(gatewayBootAfter === undefined ? {} : { bootAfter: gatewayBootAfter }),
    ledger,
    seal,
  };
}
