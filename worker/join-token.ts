/** Makes the token by which one host may ask to join, once and for a while. Its entry comes first; it grants nothing else. */
import { edgeSeconds, randomNonce } from "../durable-objects/clock.ts";
import { fromBase64url, toBase64url } from "../protocol/bytes.ts";
import type { LedgerDraft } from "../protocol/ledger.ts";
import { JOIN_TOKEN_SECONDS } from "../protocol/limits.ts";
import { sha256Of } from "../protocol/signing.ts";
import { saveJoinToken } from "./db/join-tokens.ts";
import type { Deps } from "./deps.ts";

export interface JoinToken {
  readonly token: string;
  readonly workspace: string;
  readonly expires: number;
}

/** `by`: who made it, as its entry says. @throws {LedgerUnavailable} */
export async function makeJoinToken(
  deps: Deps,
  workspace: string,
  by: Pick<LedgerDraft, "actor" | "detail" | "sourceIp">,
): Promise<JoinToken> {
  const token = randomNonce();
  const now = edgeSeconds();
  const expires = now + JOIN_TOKEN_SECONDS;
  const hash = toBase64url(sha256Of(fromBase64url(token)));
  await deps.ledger(workspace)({ ...by, action: "join-token.made", subject: hash });
  await saveJoinToken(deps.db, { hash, workspace, expires }, now);
  return { token, workspace, expires };
}
