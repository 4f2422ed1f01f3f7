/**
 * What only the host may read of a command: sealed to the key of its signed answer, for this challenge of this operation.
 * What a dialog shows of it is read back from the very bytes that were sealed.
 * May not: keep the text, or seal for any key that the host did not sign.
 */
import { fromBase64url, toBase64url } from "../../protocol/bytes.ts";
import { MAX_SEALED_BYTES, MAX_SEALED_QUESTION_BYTES } from "../../protocol/limits.ts";
import { operations, type Operation, type OperationName } from "../../protocol/operations.ts";
import { reads, type Read, type ReadName } from "../../protocol/reads.ts";
import { decodeContent, encodeContent, sealInfo } from "../../protocol/seal.ts";
import { sha256Of } from "../../protocol/signing.ts";
import type { Answer } from "./asking.ts";
import { sealTo } from "./seal.ts";
import { TroubleError } from "./trouble.ts";

export interface SealedContent {
  /** base64url of what travels; the intent names its digest. */
  readonly ciphertext: string;
  readonly digest: string;
  /** Read back from the bytes. */
  readonly content: unknown;
}

/** @throws {TroubleError} when the host gave no key for it, or it is longer than an envelope has room for. */
export async function sealContent(
  { prepared }: Answer,
  operation: OperationName,
  content: unknown,
): Promise<SealedContent | undefined> {
  const { sealed: schema }: Operation = operations[operation];
  if (schema === undefined) {
    if (content !== undefined) throw new TypeError(`${operation} seals nothing`);
    return undefined;
  }
  const bytes = encodeContent(schema, content);
  if (prepared.sealKey === undefined) throw new TroubleError(NO_KEY);
  const { workspace, host, challenge } = prepared;
  const info = sealInfo({ workspace, host, operation, challenge });
  const ciphertext = await sealTo(fromBase64url(prepared.sealKey), info, bytes);
  if (ciphertext.length > MAX_SEALED_BYTES) throw new TroubleError(TOO_LONG);
  return {
    ciphertext: toBase64url(ciphertext),
    digest: toBase64url(sha256Of(ciphertext)),
    content: decodeContent(schema, bytes),
  };
}

/** The part of a question that only the host may read, for the challenge of the command that the question prepares. */
export async function sealQuestion(
  { prepared }: Answer,
  operation: ReadName,
  content: unknown,
): Promise<{ readonly challenge: string; readonly content: string }> {
  const { sealed }: Read = reads[operation];
  if (sealed === undefined) throw new TypeError(`${operation} seals nothing`);
  if (prepared.sealKey === undefined) throw new TroubleError(NO_KEY);
  const { workspace, host, challenge } = prepared;
  const info = sealInfo({ workspace, host, operation, challenge });
  const bytes = encodeContent(sealed.schema, content);
  const ciphertext = await sealTo(fromBase64url(prepared.sealKey), info, bytes);
  if (ciphertext.length > MAX_SEALED_QUESTION_BYTES) throw new TroubleError(TOO_LONG);
  return { challenge, content: toBase64url(ciphertext) };
}

const NO_KEY = {
  code: "sealed",
  what: "The host gave no key to seal this for, so nobody could say it only to the host.",
  why: "Its agent is older than this page.",
  next: "Update the agent on the host, then press again.",
} as const;
const TOO_LONG = {
  code: "too_large",
  what: "This is longer than one command may carry: 32 kB in all.",
  next: "Shorten it, or give it in several commands.",
} as const;
