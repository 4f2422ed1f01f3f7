/**
 * How a second person comes in. An invitation lets its holder enrol one passkey, which counts for nothing: both sides
 * compare six words, and only an administrator's statement makes it somebody's.
 */
import { edgeSeconds, randomId, randomNonce } from "../../durable-objects/clock.ts";
import { LedgerUnavailable } from "../../durable-objects/ledger-client.ts";
import type { InvitationRecord } from "../../migrations/schema.ts";
import { fromBase64url, toBase64url, utf8, utf8Text } from "../../protocol/bytes.ts";
import { decodeCanonical, encodeCanonical } from "../../protocol/canonical.ts";
import type { Enrolment, InvitationRow } from "../../protocol/contracts/invitations.ts";
import type { LedgerDraft } from "../../protocol/ledger.ts";
import { INVITATION_SECONDS, NONCE_SECONDS } from "../../protocol/limits.ts";
import { sha256Of } from "../../protocol/signing.ts";
import { credentialSchema } from "../../protocol/trust/statements.ts";
import * as v from "valibot";
import { requireInvited } from "../access/invited.ts";
import { enrol, listInvitations, saveInvitation, unenrol, withdrawInvitation } from "../db/invitations.ts";
import { saveNonce } from "../db/nonces.ts";
import { forgetPasskeys } from "../db/passkeys.ts";
import { problem } from "../http/problems.ts";
import type { Call, Handler } from "../mount.ts";
import { registrationOptions } from "../passkeys.ts";
import { judgeRegistration, keepPasskey } from "../register.ts";

// ---- the administrator ----

export const invitations: Handler<"invitations"> = async ({ authority, deps }) => {
  const now = edgeSeconds();
  const rows = await listInvitations(deps.db, authority.workspace, now);
  return { body: { invitations: rows.map(describe), now } };
};

export const invite: Handler<"invite"> = async ({ authority, arrival, body, deps }) => {
  const { workspace, person } = authority;
  const invitation = randomId("i");
  const token = randomNonce();
  const now = edgeSeconds();
  const expires = now + INVITATION_SECONDS;
  await deps.ledger(workspace)({
    ...draft("invitation.made", { invitation, sourceIp: arrival.sourceIp }),
    actor: { kind: "person", id: person },
  });
  const hash = toBase64url(sha256Of(fromBase64url(token)));
  const { label } = body;
  await saveInvitation(deps.db, { workspace, invitation, hash, label, madeBy: person, madeAt: now, expires });
  return { body: { invitation, token, expires } };
};

/** What was enrolled with it is forgotten: nobody can add it any more. */
export const uninvite: Handler<"uninvite"> = async ({ authority, arrival, body, deps }) => {
  const { workspace, person } = authority;
  const { invitation } = body;
  const open = await listInvitations(deps.db, workspace, edgeSeconds());
  if (!open.some((row) => row.invitation === invitation && row.person === null)) throw problem("invitation_unknown");
  await deps.ledger(workspace)({
    ...draft("invitation.withdrawn", { invitation, sourceIp: arrival.sourceIp }),
    actor: { kind: "person", id: person },
  });
  if (!(await withdrawInvitation(deps.db, workspace, invitation))) throw problem("invitation_unknown");
  await forgetPasskeys(deps.db, ceremonyOf({ invitation }));
  return { body: { ok: true } };
};

// ---- the invited person ----

export const invitationState: Handler<"invitationState"> = async ({ arrival, body, deps }) => {
  const { invitation, trust } = await requireInvited(body.token, arrival, deps);
  const enrolment = enrolmentOf(invitation);
  return {
    body: {
      workspace: trust.workspace,
      expires: invitation.expires,
      now: edgeSeconds(),
      ...(enrolment === undefined ? {} : { enrolment }),
      added: invitation.person !== null,
    },
  };
};

export const invitationOptions: Handler<"invitationOptions"> = async ({ arrival, body, deps }) => {
  const { invitation, page } = await requireInvited(body.token, arrival, deps);
  if (invitation.credentialId !== null) throw problem("invitation_used");
  const challenge = randomNonce();
  await saveNonce(deps.db, {
    nonce: challenge,
    workspace: invitation.workspace,
    purpose: "registration",
    ceremony: ceremonyOf(invitation),
    expires: edgeSeconds() + NONCE_SECONDS,
  });
  const { rpId } = page;
  return { body: { options: await registrationOptions({ rpId, name: body.name, challenge, exclude: [] }) } };
};

/** Claimed first, then recorded, then kept: of two racing enrolments one holds, and none without its entry. */
export const invitationPasskey: Handler<"invitationPasskey"> = async (call) => {
  const { arrival, body, deps } = call;
  const { invitation, page } = await requireInvited(body.token, arrival, deps);
  if (invitation.credentialId !== null) throw problem("invitation_used");
  const { workspace } = invitation;
  const ceremony = ceremonyOf(invitation);
  const { origin, rpId } = page;
  const registration = await judgeRegistration({ response: body.response, ceremony, origin, rpId }, deps);
  const { credential } = registration;
  const enrolled = {
    credentialId: credential.credentialId,
    credential: utf8Text(encodeCanonical(credential)),
    nameSalt: body.name.salt,
    nameValue: body.name.value,
  };
  if (!(await enrol(deps.db, invitation, { enrolled, now: edgeSeconds() }))) throw problem("invitation_used");
  await record(call, invitation);
  if (!(await keepPasskey(registration, { ceremony, workspace }, deps))) {
    await unenrol(deps.db, invitation);
    throw problem("passkey_exists");
  }
  return { body: { credential, name: body.name } };
};

async function record({ arrival, deps }: Call<"invitationPasskey">, row: InvitationRecord): Promise<void> {
  const { workspace, invitation } = row;
  try {
    await deps.ledger(workspace)({
      ...draft("invitation.enrolled", { invitation, sourceIp: arrival.sourceIp }),
      actor: { kind: "unknown" },
    });
  } catch (error) {
    if (error instanceof LedgerUnavailable) await unenrol(deps.db, row);
    throw error;
  }
}

// ---- rows ----

function ceremonyOf({ invitation }: Pick<InvitationRecord, "invitation">): string {
  return `invitation:${invitation}`;
}

function describe(row: InvitationRecord): InvitationRow {
  const { invitation, label, madeBy, expires, person } = row;
  const enrolment = enrolmentOf(row);
  return {
    invitation,
    label,
    madeBy,
    expires,
    ...(enrolment === undefined ? {} : { enrolment }),
    ...(person === null ? {} : { person }),
  };
}

function enrolmentOf({ credential, nameSalt, nameValue }: InvitationRecord): Enrolment | undefined {
  if (credential === null || nameSalt === null || nameValue === null) return undefined;
  return {
    credential: v.parse(credentialSchema, decodeCanonical(utf8(credential))), // our own row
    name: { salt: nameSalt, value: nameValue },
  };
}

function draft(
  action: "invitation.made" | "invitation.enrolled" | "invitation.withdrawn",
  { invitation, sourceIp }: { readonly invitation: string; readonly sourceIp: string | undefined },
): Pick<LedgerDraft, "action" | "detail" | "sourceIp"> {
  return { action, detail: { invitation }, ...(sourceIp === undefined ? {} : { sourceIp }) };
}
