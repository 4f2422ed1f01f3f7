/**
 * The rules that a command of two people adds, in the order a host applies them. The rules of one person's command
 * (envelope-rules.ts) hold for it too; these are the places in between.
 */
import type { RefusalCode } from "../../../protocol/refusals.ts";
import type { CommandDraft, ProposalDraft, TouchDraft } from "../../fixtures/command.ts";
import { nonceOf } from "../../fixtures/keys.ts";
import type { Team } from "../../fixtures/team.ts";
import { NOW } from "../../fixtures/workspace.ts";
import { assertionBreaks } from "./assertion-breaks.ts";

export interface ProposalRule {
  readonly code: RefusalCode;
  readonly place: string;
  readonly edge: boolean;
  readonly break: (draft: CommandDraft, team: Team) => void;
}

export function proposalOf(draft: CommandDraft): ProposalDraft {
  if (draft.proposal === undefined) throw new TypeError("nothing proposed");
  return draft.proposal;
}

export function firstOf(touches: readonly TouchDraft[]): TouchDraft {
  const [touch] = touches;
  if (touch === undefined) throw new TypeError("nobody touched");
  return touch;
}

/** Of the person who proposed. */
export function proposer(draft: CommandDraft): TouchDraft {
  return firstOf(proposalOf(draft).approvals);
}

const both = { edge: true } as const;

export const proposalRules: readonly ProposalRule[] = [
  {
    ...both,
    code: "session_key",
    place: "signature",
    break: (draft, { keys }) => {
      draft.sessionSigner = keys.stranger;
    },
  },
  {
    ...both,
    code: "proposal",
    place: "another one is named",
    break: (draft) => {
      draft.intent["proposal"] = nonceOf("another proposal");
    },
  },
  {
    ...both,
    code: "proposal",
    place: "form",
    break: (draft) => {
      proposalOf(draft).body["foreign"] = 1;
    },
  },
  {
    ...both,
    code: "proposal",
    place: "workspace",
    break: (draft) => {
      proposalOf(draft).body["workspace"] = nonceOf("another workspace");
    },
  },
  {
    ...both,
    code: "proposal",
    place: "difference",
    break: (draft) => {
      proposalOf(draft).body["args"] = { scenario: "lost-device" };
    },
  },
  {
    ...both,
    code: "approval_malformed",
    place: "of the proposal",
    break: (draft) => {
      proposer(draft).body["foreign"] = 1;
    },
  },
  {
    ...both,
    code: "approval_subject",
    place: "of the proposal",
    break: (draft) => {
      proposer(draft).body["subject"] = nonceOf("another proposal");
    },
  },
  ...assertionBreaks.map(([rule, breakTouch, place]) => ({
    ...both,
    code: `approval.${rule}` as const,
    place: `of the proposal${place === undefined ? "" : `, ${place}`}`,
    break: (draft: CommandDraft) => breakTouch(proposer(draft)),
  })),
  {
    ...both,
    code: "approval_missing",
    place: "of the intent",
    break: (draft) => {
      draft.approvals = [];
    },
  },
  {
    ...both,
    code: "approval_extra",
    place: "a second one of the intent",
    break: (draft, { more }) => {
      draft.approvals.push({ ...firstOf(draft.approvals), passkey: more.bea.passkey });
    },
  },
  {
    ...both,
    code: "approval_subject",
    place: "of the intent",
    break: (draft) => {
      firstOf(draft.approvals).body["subject"] = nonceOf("another intent");
    },
  },
  {
    ...both,
    code: "approval.user_verification",
    place: "of the intent",
    break: (draft) => {
      const touch = firstOf(draft.approvals);
      touch.knobs = { ...touch.knobs, flags: 0x01 };
    },
  },
  {
    ...both,
    code: "operation",
    place: "unknown to both",
    break: (draft) => {
      draft.intent["operation"] = "gateway.unknown@1";
    },
  },
  {
    ...both,
    code: "malformed",
    place: "arguments",
    break: (draft) => {
      draft.intent["args"] = { scenario: "another" };
    },
  },
  {
    ...both,
    code: "class_origin",
    place: "of the first person",
    break: (draft, { more }) => {
      proposer(draft).passkey = more.bea.daily;
    },
  },
  {
    ...both,
    code: "role",
    place: "of the first person",
    break: (draft, { people }) => {
      proposer(draft).passkey = people.otto.passkey;
    },
  },
  {
    ...both,
    code: "host_scope",
    place: "of the first person",
    break: (draft, { more }) => {
      proposer(draft).passkey = more.lab.passkey;
    },
  },
  {
    ...both,
    code: "people",
    place: "the session is the first person's",
    break: (draft, { more }) => {
      draft.session.passkey = more.bea.passkey;
    },
  },
  {
    ...both,
    code: "people",
    place: "the same person twice",
    break: (draft, { people }) => {
      proposer(draft).passkey = people.ada.passkey;
    },
  },
  {
    edge: false,
    code: "local_policy",
    place: "the machine's own",
    break: (draft) => {
      draft.view = { ...draft.view, denies: () => true };
    },
  },
  {
    edge: false,
    code: "proposal_expired",
    place: "a second ago",
    break: (draft) => {
      proposalOf(draft).body["exp"] = NOW - 1;
    },
  },
  {
    edge: false,
    code: "clock",
    place: "the last touch",
    break: (draft) => {
      draft.target["iat"] = NOW - 70;
    },
  },
];

/**
 * Pairs that cannot be broken at once: who lacks a permission lacks it on every host, and one touch has one person and
 * one page.
 */
export function canBreakTogether(earlier: ProposalRule, later: ProposalRule): boolean {
  const person = ["class_origin", "role", "host_scope"];
  return !(person.includes(earlier.code) && person.includes(later.code));
}
