/**
 * Whether a word that ends sessions counts: their person's touch, an administrator's, or, of a single one, its own key's.
 * Any listed page. Several named in one word are each judged as if they had come alone.
 */
import { fromBase64url } from "../bytes.ts";
import {
  approvalCodec,
  sessionEndCodec,
  sessionsOf,
  type Asserted,
  type SessionEnd,
  type SignedSessionEnd,
} from "../messages.ts";
import type { RefusalCode } from "../refusals.ts";
import { digestOf, verifySignature, type Digest } from "../signing.ts";
import { verifyTouch } from "../trust/approvals.ts";
import { hasPermission } from "../trust/state.ts";
import { judgeCertificate, judgeSuccessor, type AuthorView, type CertifiedSession } from "./author.ts";
import { decodeAs, Refused } from "./refused.ts";

export interface EndingSession {
  readonly session: Digest;
  /** When it would have ended anyway, edge seconds. */
  readonly until: number;
}

export type SessionEndVerdict =
  /** `ended`: of those named, the ones that still could do something. */
  | {
      readonly kind: "accepted";
      readonly end: SessionEnd;
      readonly ended: readonly EndingSession[];
      readonly by: string;
    }
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
    const sessions = await judgeNamed(end, signed, whole);
    const by = await judgeEnder(signed, { end, sessions, body }, whole);
    return { kind: "accepted", end, ended: sessions.map(({ digest, exp }) => ({ session: digest, until: exp })), by };
  } catch (error) {
    if (error instanceof Refused) return { kind: "refused", code: error.code };
    throw error;
  }
}

/**
 * Those whose sign-in holds. A host that was away hears of several when some are long over; these must not keep the
 * others alive, so the word is refused only when none is left, for the reason of the first.
 */
async function judgeNamed(
  end: SessionEnd,
  { session, others = [] }: SignedSessionEnd,
  view: AuthorView,
): Promise<readonly CertifiedSession[]> {
  const named = sessionsOf(end);
  const certificates = [session, ...others];
  if (certificates.length !== named.length) throw new Refused("malformed");
  const judged = await Promise.all(
    certificates.map((certificate, i) => judgeOne(certificate, { named: named[i] ?? "", person: end.person }, view)),
  );
  const standing = judged.filter((one) => typeof one !== "string");
  const why = judged.find((one) => typeof one === "string");
  if (standing.length === 0) throw new Refused(why ?? "malformed");
  return standing;
}

async function judgeOne(
  certificate: Asserted,
  { named, person }: { readonly named: Digest; readonly person: string },
  view: AuthorView,
): Promise<CertifiedSession | RefusalCode> {
  try {
    const session = await judgeCertificate(certificate, named, view);
    if (session.person !== person) throw new Refused("people");
    return session;
  } catch (error) {
    if (error instanceof Refused) return error.code;
    throw error;
  }
}

interface Ending {
  readonly end: SessionEnd;
  readonly sessions: readonly CertifiedSession[];
  readonly body: Uint8Array;
}

/** The person who ends them. */
async function judgeEnder(
  { by }: SignedSessionEnd,
  { end, sessions, body }: Ending,
  view: AuthorView,
): Promise<string> {
  if (by.kind === "session") {
    // A key ends what it signs for. Whoever stole one must not end the others too: those take a touch.
    const [session] = end.session === undefined ? [] : sessions;
    if (session === undefined) throw new Refused("session_key");
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
  if (person !== end.person && !hasPermission(trust, person, { permission: "workspace.administer", now }))
    throw new Refused("role");
  return person;
}
