/** Whether a word that ends a session counts: its own key's, its person's touch, or an administrator's. Any listed page. */
import { fromBase64url } from "../bytes.ts";
import { approvalCodec, sessionEndCodec, type SessionEnd, type SignedSessionEnd } from "../messages.ts";
import type { RefusalCode } from "../refusals.ts";
import { digestOf, verifySignature } from "../signing.ts";
import { verifyTouch } from "../trust/approvals.ts";
import { hasPermission } from "../trust/state.ts";
import { judgeCertificate, judgeSuccessor, type AuthorView, type CertifiedSession } from "./author.ts";
import { decodeAs, Refused } from "./refused.ts";

export type SessionEndVerdict =
  /** `until`: when the session would have ended anyway, edge seconds. */
  | { readonly kind: "accepted"; readonly end: SessionEnd; readonly until: number; readonly by: string }
  | { readonly kind: "refused"; readonly code: RefusalCode };

export async function verifySessionEnd(
  signed: SignedSessionEnd,
  view: Pick<AuthorView, "trust" | "now">,
): Promise<SessionEndVerdict> {
  const body = fromBase64url(signed.body);
  try {
    const end = decodeAs("malformed", () => sessionEndCodec.decode(body));
    if (end.workspace !== view.trust.workspace) throw new Refused("workspace");
    // Ending a session twice is no mistake.
    const whole = { ...view, isSessionEnded: () => false };
    const session = await judgeCertificate(signed.session, end.session, whole);
    if (session.person !== end.person) throw new Refused("people");
    const by = await judgeEnder(signed, { session, body }, whole);
    return { kind: "accepted", end, until: session.exp, by };
  } catch (error) {
    if (error instanceof Refused) return { kind: "refused", code: error.code };
    throw error;
  }
}

interface Ending {
  readonly session: CertifiedSession;
  readonly body: Uint8Array;
}

/** The person who ends it. */
async function judgeEnder({ by }: SignedSessionEnd, { session, body }: Ending, view: AuthorView): Promise<string> {
  if (by.kind === "session") {
    const publicKey =
      by.successor === undefined ? session.sessionKey : await judgeSuccessor(by.successor, session, view);
    const { signature } = by;
    if (!(await verifySignature({ kind: "session-end", body, signature, publicKey }))) throw new Refused("session_key");
    return session.person;
  }
  const { trust, now } = view;
  const approval = decodeAs("approval_malformed", () => approvalCodec.decode(fromBase64url(by.approval.body)));
  const fits = approval.kind === "session-end" && approval.workspace === trust.workspace;
  if (!fits || approval.subject !== digestOf("session-end", body)) throw new Refused("approval_subject");
  const verdict = await verifyTouch(trust, by.approval, "approval");
  if (!verdict.ok) throw new Refused(`approval.${verdict.rule}`);
  const person = trust.credentials.get(by.approval.assertion.credentialId)?.person ?? "";
  if (person !== session.person && !hasPermission(trust, person, { permission: "workspace.administer", now }))
    throw new Refused("role");
  return person;
}
