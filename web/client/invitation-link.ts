/** The link that invites somebody: written here by whoever invites, read by the page that it opens. */
import { fromBase64url } from "../../protocol/bytes.ts";
import { NONCE_BYTES } from "../../protocol/limits.ts";
import type { InvitationProblem } from "../state/invitations.ts";

export const INVITATION_PATH = "/invitation";

export interface InvitationLink {
  readonly token: string;
  readonly workspace: string;
}

/** Reads the fragment and removes it, so that it is in no history and no screenshot. */
export function takeInvitation(view: Window = window): InvitationLink | InvitationProblem {
  const { hash, pathname } = view.location;
  if (hash === "") return "absent";
  view.history.replaceState(undefined, "", pathname);
  return parseInvitation(hash.slice(1));
}

export function parseInvitation(fragment: string): InvitationLink | InvitationProblem {
  const parameters = new URLSearchParams(fragment);
  const token = parameters.get("token");
  const workspace = parameters.get("workspace");
  if (token === null || workspace === null) return "damaged";
  return [token, workspace].every(isDigest) ? { token, workspace } : "damaged";
}

function isDigest(text: string): boolean {
  try {
    return fromBase64url(text).length === NONCE_BYTES;
  } catch {
    return false; // cut off or changed while it was copied
  }
}

/** The whole link, for whoever sends it. */
export function invitationLink(address: string, { token, workspace }: InvitationLink): string {
  return `${address}${INVITATION_PATH}#${new URLSearchParams({ token, workspace }).toString()}`;
}
