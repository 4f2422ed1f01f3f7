/**
 * Every reason to refuse a command, in the order a host checks (verify.ts), with the sentence a person reads. The
 * rules of a touch stand apart: the session's come before its lifetime, an approval's after `approval_subject`. What the
 * operation itself refuses (`malformed` arguments, `expect` without a pin) comes with `operation`.
 * Codes are wire format: add, never rename.
 */

/** Rules of one assertion; each exists for the session's and for an approval's assertion. */
export const assertionRules = [
  "credential",
  "client_data",
  "type",
  "challenge",
  "origin",
  "cross_origin",
  "authenticator_data",
  "rp_id",
  "user_presence",
  "user_verification",
  "backup",
  "signature",
] as const;
export type AssertionRule = (typeof assertionRules)[number];

const envelopeCodes = [
  "size",
  "malformed",
  "workspace",
  "target",
  "dispatch",
  "challenge",
  "trust_frozen",
  "trust_behind",
  "session_malformed",
  "session_workspace",
  "session_lifetime",
  "session_revoked",
  "session_key",
  "automation_key",
  "proposal",
  "approval_missing",
  "approval_extra",
  "approval_malformed",
  "approval_subject",
  "operation",
  "sealed",
  "class_origin",
  "role",
  "host_scope",
  "people",
  "automation_limit",
  "automation_rate",
  "local_policy",
  "proposal_expired",
  "clock",
  "expect",
  "busy",
  "journal",
] as const;

type Prefixed<P extends string> = `${P}.${AssertionRule}`;
export type RefusalCode = (typeof envelopeCodes)[number] | Prefixed<"session"> | Prefixed<"approval">;

function prefixed<P extends string>(prefix: P): readonly Prefixed<P>[] {
  return assertionRules.map((rule): Prefixed<P> => `${prefix}.${rule}`);
}

export const refusalCodes: readonly RefusalCode[] = [...envelopeCodes, ...prefixed("session"), ...prefixed("approval")];

interface Explanation {
  readonly what: string;
  readonly next: string;
}

const PRESS_AGAIN = "Press again for a fresh command.";
const SIGN_IN_AGAIN = "Sign in again, then repeat the command.";

const SENTENCES = {
  size: { what: "the command was larger than any real command", next: PRESS_AGAIN },
  malformed: { what: "the command was not written the one allowed way", next: "Reload the page, then press again." },
  workspace: { what: "the command is for another workspace", next: "Check that this page shows your workspace." },
  target: { what: "the command does not name this host exactly once", next: "Check which host the command was for." },
  operation: { what: "this host does not know the operation", next: "Update the agent on this host." },
  sealed: {
    what: "the part of the command that only this host may read is missing, changed, or not sealed for this command",
    next: "Press again: it is sealed anew. If this repeats, somebody on the way changes it.",
  },
  dispatch: {
    what: "the edge's delivery signature does not fit this connection",
    next: "The host waits for a proper delivery. If this repeats, somebody else is speaking for the edge.",
  },
  challenge: {
    what: "the host's challenge is used up, expired, or died when the host restarted",
    next: PRESS_AGAIN,
  },
  trust_behind: {
    what: "the host has an older or newer list of keys than the command",
    next: "Wait a moment for the host to catch up, then press again.",
  },
  trust_frozen: {
    what: "this host was shown two histories of who may do what, and obeys neither",
    next: "Open the People page in the signer and resolve the fork; revoking still works.",
  },
  session_malformed: { what: "the sign-in certificate is not well formed", next: SIGN_IN_AGAIN },
  session_workspace: { what: "the sign-in was for another workspace", next: SIGN_IN_AGAIN },
  session_lifetime: {
    what: "the sign-in has ended, has not begun by the host's clock, or is longer than the role allows",
    next: `${SIGN_IN_AGAIN} If it stays so, type clawhold doctor on the host: it compares the clocks.`,
  },
  session_revoked: { what: "this sign-in was ended by its person or an administrator", next: SIGN_IN_AGAIN },
  automation_key: {
    what: "the automation key is unknown, revoked or past its end, or did not sign this command",
    next: "Ask an administrator to grant the key, then run the command again.",
  },
  automation_limit: {
    what: "the automation key was not granted this operation, these arguments or this host",
    next: "Ask an administrator to grant a key that may.",
  },
  automation_rate: {
    what: "the automation key has run as many commands as it may in this time",
    next: "Wait, then run the command again.",
  },
  proposal: {
    what: "the command is not exactly what the first person approved",
    next: "Open the proposal again and approve it from there.",
  },
  proposal_expired: {
    what: "the proposal has waited too long for the next person",
    next: "Propose it again; a proposal waits at most 24 hours.",
  },
  session_key: { what: "the command was not signed by the key of this sign-in", next: SIGN_IN_AGAIN },
  approval_missing: { what: "nobody approved the command", next: "Press the button and touch your passkey." },
  approval_malformed: { what: "the approval is not well formed", next: PRESS_AGAIN },
  approval_subject: { what: "the approval is for another command", next: PRESS_AGAIN },
  approval_extra: {
    what: "the command carries approvals that do not belong to it",
    next: PRESS_AGAIN,
  },
  class_origin: {
    what: "this command is critical, and was approved on a page that the edge serves",
    next: "Approve it in the dashboard of the machine that runs Clawhold.",
  },
  role: { what: "the role of this person does not allow it", next: "Ask an administrator for a role that does." },
  host_scope: { what: "the role does not cover this host", next: "Ask an administrator for a role that does." },
  people: {
    what: "more people must approve this, or the one who sends it is not the one who approved last",
    next: "Propose it, and ask a second person to approve.",
  },
  local_policy: {
    what: "the deny list on the host forbids it",
    next: "The owner of the host can change its deny list on the machine itself.",
  },
  clock: { what: "it was approved too late", next: "Press again; a touch is worth 60 seconds." },
  expect: {
    what: "the gateway has changed since the command was shown",
    next: "Look at the host again, then decide.",
  },
  busy: { what: "the host already holds as many open commands as it may", next: "Wait a minute, then press again." },
  journal: {
    what: "the host could not write its journal, so it did not act",
    next: "Free disk space on the host, then press again.",
  },
} as const satisfies Record<(typeof envelopeCodes)[number], Explanation>;

const ASSERTION_SENTENCES = {
  credential: "the passkey is not one this host knows",
  client_data: "what the browser signed is not well formed",
  type: "the passkey was used for something else",
  challenge: "the passkey signed something else",
  origin: "the passkey was used on a page this workspace does not list",
  cross_origin: "the passkey was used inside a foreign page",
  authenticator_data: "the authenticator's answer is not well formed",
  rp_id: "the passkey belongs to another site",
  user_presence: "nobody touched the authenticator",
  user_verification: "the authenticator did not check who touched it",
  backup: "the passkey is not of the kind that was enrolled",
  signature: "the passkey's signature does not verify",
} as const satisfies Record<AssertionRule, string>;

/** The plain sentence for a code: what happened, and the next step. */
export function explainRefusal(code: RefusalCode): Explanation {
  const dot = code.indexOf(".");
  if (dot < 0) return SENTENCES[code as keyof typeof SENTENCES];
  const rule = code.slice(dot + 1) as AssertionRule;
  const whose = code.startsWith("session.") ? "At sign-in" : "At the approval";
  return {
    what: `${whose}, ${ASSERTION_SENTENCES[rule]}`,
    next: code.startsWith("session.") ? SIGN_IN_AGAIN : PRESS_AGAIN,
  };
}
