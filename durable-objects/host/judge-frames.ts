/** Judges what a host says on a welcomed tunnel: a signed word counts only with that host's key and about itself. */
import { fromBase64url } from "../../protocol/bytes.ts";
import { preparedCodec, receiptCodec, type Prepared, type Receipt, type Signed } from "../../protocol/messages.ts";
import { digestOf, verifySignature } from "../../protocol/signing.ts";
import { decoded } from "./greeting.ts";
import type { AgentAttachment } from "./sockets.ts";

export async function judgePrepared(attachment: AgentAttachment, signed: Signed): Promise<Prepared | undefined> {
  const body = fromBase64url(signed.body);
  const prepared = decoded(() => preparedCodec.decode(body));
  if (prepared === undefined || prepared.workspace !== attachment.workspace || prepared.host !== attachment.host)
    return undefined;
  const { signature } = signed;
  return (await verifySignature({ kind: "prepared", body, signature, publicKey: attachment.hostKey }))
    ? prepared
    : undefined;
}

export interface JudgedReceipt {
  readonly receipt: Receipt;
  readonly digest: string;
}

export async function judgeReceipt(
  attachment: AgentAttachment,
  number: number,
  signed: Signed,
): Promise<JudgedReceipt | undefined> {
  const body = fromBase64url(signed.body);
  const receipt = decoded(() => receiptCodec.decode(body));
  if (receipt === undefined || receipt.number !== number) return undefined;
  if (receipt.workspace !== attachment.workspace || receipt.host !== attachment.host) return undefined;
  const { signature } = signed;
  if (!(await verifySignature({ kind: "receipt", body, signature, publicKey: attachment.hostKey }))) return undefined;
  return { receipt, digest: digestOf("receipt", body) };
}
