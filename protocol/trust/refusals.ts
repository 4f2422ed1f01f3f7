/** Every reason to refuse a root or a statement, with the sentence a person reads. Codes are wire format. */

export type TrustRefusal =
  | "malformed"
  | "workspace" // for another workspace, or not the pinned root
  | "setup_key" // the root is not signed by the setup key that this machine made
  | "session" // the first sign-in does not name this root
  | "assertion" // a touch does not verify
  | "origin" // the touch was not made in a signer
  | "approval" // an approval is for something else, or missing
  | "place" // another statement holds this place in the chain, or the head it names is not known here
  | "time" // it claims to be older than the statement before it
  | "frozen" // two histories are claimed; only `fork.resolve` and revocations count
  | "revocations" // the statement knew other revocations than we hold
  | "revoked" // its author, or what it names, was revoked
  | "role" // the approver's role does not allow it
  | "people" // more people must approve it
  | "exists" // the id is taken, now or in the past
  | "unknown" // it names something that does not exist
  | "key" // a key or id does not fit its owner
  | "term" // it ends before it begins, or later than allowed
  | "name_class" // an address and its name do not fit, or the name has the other class for ever
  | "fork" // it resolves something else than the two histories at hand
  | "last_admin" // it would leave nobody who can administer
  | "too_few_admins"; // it would leave fewer administrators than its own rules ask for

const SENTENCES = {
  malformed: "The statement is not well formed. Reload the page.",
  workspace: "The statement is for another workspace. Check that this page shows yours.",
  setup_key: "The root is not signed by the key of this setup link. Open the link that the terminal shows.",
  session: "The first sign-in does not name this root. Start the setup again.",
  assertion: "A touch does not verify. Approve it again.",
  origin: "The change was not approved in a signer. Open the dashboard on your own machine and approve it there.",
  approval: "The approval is for something else, or missing. Approve it again.",
  place: "Somebody else changed the trust log first. Look at the change, then approve yours again.",
  time: "The change claims to be older than the last one. Check this computer's clock, then approve it again.",
  frozen:
    "Two histories of this workspace are claimed, so nothing can change. Resolve the fork first; revoking still works.",
  revocations: "The statement knows other revocations than this workspace. Reload the page, then approve it again.",
  revoked: "What it names, or whoever approved it, was revoked. Ask an administrator.",
  role: "Your role does not allow this change. Ask an administrator.",
  people: "More people must approve this change. Send the proposal to a second administrator.",
  exists: "This id is taken, now or in the past. Ids are never used twice.",
  unknown: "The change names something that does not exist. Reload the page.",
  key: "A key does not fit its owner. Do not go on with this machine or passkey; let it join or enrol again.",
  term: "It would end before it begins, or last longer than 90 days. Choose another end.",
  name_class:
    "A name belongs either to people's own machines or to the edge, for ever, and an address must carry exactly its name. Choose another address.",
  fork: "The change does not resolve the two histories at hand. Reload the page and look at them again.",
  last_admin: "The change would leave nobody who can administer the workspace. Give somebody else the role first.",
  too_few_admins:
    "The change would leave fewer administrators than the rules of this workspace ask for. Add an administrator, or loosen the rule, first.",
} as const satisfies Record<TrustRefusal, string>;

export const trustRefusals = Object.keys(SENTENCES) as readonly TrustRefusal[];

/** What happened and the next step. */
export function explainTrustRefusal(code: TrustRefusal): string {
  return SENTENCES[code];
}
