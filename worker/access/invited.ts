/**
 * Makes an `Invited` out of a token, which travels in bodies only. Whoever holds it may know what became of it; nobody
 * else learns anything, not even by trying often.
 */
import { edgeSeconds } from "../../durable-objects/clock.ts";
import type { InvitationRecord } from "../../migrations/schema.ts";
import type { ListedOrigin } from "../../protocol/assertion.ts";
import { fromBase64url, toBase64url } from "../../protocol/bytes.ts";
import { sha256Of } from "../../protocol/signing.ts";
import type { TrustState } from "../../protocol/trust/state.ts";
import { findInvitation } from "../db/invitations.ts";
import type { Deps } from "../deps.ts";
import type { Arrival } from "../http/arrival.ts";
import { problem } from "../http/problems.ts";
import { requireTrust } from "../workspace.ts";
import { requireSameOrigin } from "./same-origin.ts";

declare const invited: unique symbol;

export interface Invited {
  readonly [invited]: true;
  readonly invitation: InvitationRecord;
  readonly trust: TrustState;
  /** The page that asks, as the trust log lists it: its class is the class of a passkey made there. */
  readonly page: ListedOrigin;
}

/** @throws {ProblemError} */
export async function requireInvited(token: string, arrival: Arrival, deps: Deps): Promise<Invited> {
  const trust = await requireTrust(deps);
  requireSameOrigin(
    arrival,
    trust.origins.map(({ origin }) => origin),
  );
  const page = trust.origins.find(({ origin }) => origin === arrival.origin);
  if (page === undefined) throw problem("origin", "unlisted");
  const now = edgeSeconds();
  const invitation = await findInvitation(deps.db, toBase64url(sha256Of(fromBase64url(token))));
  if (invitation === undefined || invitation.workspace !== trust.workspace) throw problem("invitation_wrong");
  if (invitation.withdrawn) throw problem("invitation_withdrawn");
  if (invitation.expires <= now) throw problem("invitation_expired");
  const facts: Omit<Invited, typeof invited> = { invitation, trust, page };
  return facts as Invited;
}
