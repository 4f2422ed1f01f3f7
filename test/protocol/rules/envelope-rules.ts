/**
 * The rules of a command in the order a host applies them, each with one way to break it alone. The order of this
 * list is the order of docs/PROTOCOL.md; order tests take pairs from it.
 */
import type { RefusalCode } from "../../../protocol/refusals.ts";
import type { TrustState } from "../../../protocol/trust/state.ts";
import type { SoftwareCredential } from "../../fixtures/authenticator.ts";
import { CRITICAL_OPERATION, type CommandDraft, type TouchDraft } from "../../fixtures/command.ts";
import { nonceOf } from "../../fixtures/keys.ts";
import { NOW, type Member, type World } from "../../fixtures/workspace.ts";
import { assertionBreaks } from "./assertion-breaks.ts";

export interface EnvelopeRule {
  readonly code: RefusalCode;
  /** Distinguishes rules that answer with one code from different places. */
  readonly place?: string;
  /** True when the edge checks it too, before it hands anything to a host. */
  readonly edge: boolean;
  readonly break: (draft: CommandDraft, world: World) => void;
}

function rewriteAfter(draft: CommandDraft, rewrite: (bytes: Uint8Array) => Uint8Array): void {
  const before = draft.rewrite;
  draft.rewrite = (bytes) => rewrite(before?.(bytes) ?? bytes);
}

function firstApproval(draft: CommandDraft): TouchDraft {
  const [approval] = draft.approvals;
  if (approval === undefined) throw new TypeError("nothing left to break");
  return approval;
}

function touchRules(
  prefix: "session" | "approval",
  touch: (draft: CommandDraft) => TouchDraft,
): readonly EnvelopeRule[] {
  return assertionBreaks.map(([rule, breakTouch, place]) => ({
    code: `${prefix}.${rule}`,
    ...(place === undefined ? {} : { place }),
    edge: true,
    break: (draft) => breakTouch(touch(draft)),
  }));
}

function memberOf(world: World, passkey: SoftwareCredential): Member {
  const member = Object.values(world.people).find((one) => one.passkey === passkey || one.daily === passkey);
  if (member === undefined) throw new TypeError("nobody's passkey");
  return member;
}

/** What the host holds, whatever other breaks did to it. */
function trustOf(draft: CommandDraft, { state }: World): TrustState {
  return draft.view.trust ?? state;
}

/** Session and touch of one person. */
export function actAs(draft: CommandDraft, member: Member): void {
  draft.session.passkey = member.passkey;
  firstApproval(draft).passkey = member.passkey;
}

export const envelopeRules: readonly EnvelopeRule[] = [
  {
    code: "size",
    edge: false,
    break: (draft) => {
      rewriteAfter(draft, (bytes) => new Uint8Array([...bytes, ...new Uint8Array(65_537)]));
    },
  },
  {
    code: "malformed",
    place: "envelope",
    edge: false,
    break: (draft) => {
      draft.envelope["foreign"] = true;
    },
  },
  {
    code: "malformed",
    place: "intent",
    edge: true,
    break: (draft) => {
      draft.intent["foreign"] = true;
    },
  },
  {
    code: "workspace",
    edge: true,
    break: (draft) => {
      draft.intent["workspace"] = nonceOf("another workspace");
    },
  },
  {
    code: "target",
    edge: false,
    break: (draft) => {
      draft.target["host"] = "h-elsewhere";
    },
  },
  {
    code: "dispatch",
    edge: false,
    break: (draft, { keys }) => {
      draft.dispatch.signer = keys.stranger;
    },
  },
  {
    code: "challenge",
    edge: false,
    break: (draft) => {
      draft.view = { ...draft.view, challenge: () => undefined };
    },
  },
  {
    code: "trust_frozen",
    edge: true,
    break: (draft, world) => {
      const frozen = { reason: "fork", place: 1, mine: nonceOf("mine"), other: nonceOf("other") } as const;
      draft.view = { ...draft.view, trust: { ...trustOf(draft, world), frozen } };
    },
  },
  {
    code: "trust_behind",
    edge: true,
    break: (draft, { state }) => {
      draft.intent["trustHead"] = { ...state.head, n: state.head.n + 1 };
    },
  },
  {
    code: "session_malformed",
    edge: true,
    break: (draft) => {
      draft.session.body["foreign"] = true;
    },
  },
  {
    code: "session_workspace",
    edge: true,
    break: (draft) => {
      draft.session.body["workspace"] = nonceOf("another workspace");
    },
  },
  ...touchRules("session", (draft) => draft.session),
  {
    code: "session.origin",
    place: "page",
    edge: true,
    break: (draft) => {
      draft.session.body["origin"] = "https://daily.example";
    },
  },
  {
    code: "session_lifetime",
    edge: true,
    break: (draft) => {
      Object.assign(draft.session.body, { iat: NOW - 4_000, exp: NOW - 301 });
    },
  },
  {
    code: "session_revoked",
    edge: true,
    break: (draft) => {
      draft.view = { ...draft.view, isSessionEnded: () => true };
    },
  },
  {
    code: "session_key",
    place: "certificate",
    edge: true,
    break: (draft) => {
      const session = nonceOf("another session");
      draft.intent["actor"] = { session };
      draft.challenge = { ...draft.challenge, actor: session };
    },
  },
  {
    code: "session_key",
    place: "successor",
    edge: true,
    break: (draft, { workspace, people, keys }) => {
      const nextSessionKey = { session: nonceOf("another session"), key: keys.session.publicKey };
      const body = { v: 1, workspace, kind: "intent", decision: "approve", after: 1, nextSessionKey };
      draft.successor = { passkey: people.ada.passkey, knobs: {}, body };
    },
  },
  {
    code: "session_key",
    place: "signature",
    edge: true,
    break: (draft, { keys }) => {
      draft.sessionSigner = keys.stranger;
    },
  },
  {
    code: "proposal",
    edge: true,
    break: (draft) => {
      draft.intent["proposal"] = nonceOf("a proposal that is not carried");
    },
  },
  {
    code: "approval_missing",
    edge: true,
    break: (draft) => {
      draft.approvals = [];
    },
  },
  {
    code: "approval_extra",
    edge: true,
    break: (draft, { people }) => {
      draft.approvals.push({ ...firstApproval(draft), knobs: {}, passkey: people.otto.passkey });
    },
  },
  {
    code: "approval_malformed",
    edge: true,
    break: (draft) => {
      firstApproval(draft).body["foreign"] = true;
    },
  },
  {
    code: "approval_subject",
    edge: true,
    break: (draft) => {
      firstApproval(draft).body["subject"] = nonceOf("another intent");
    },
  },
  ...touchRules("approval", firstApproval),
  {
    code: "operation",
    edge: true,
    break: (draft) => {
      draft.intent["operation"] = "gateway.unknown@1";
    },
  },
  {
    code: "malformed",
    place: "arguments",
    edge: true,
    break: (draft) => {
      draft.intent["args"] = { foreign: true };
    },
  },
  {
    code: "expect",
    place: "unpinned",
    edge: true,
    break: (draft) => {
      draft.target["expect"] = {};
    },
  },
  {
    code: "sealed",
    edge: true,
    break: (draft) => {
      draft.sealed = [nonceOf("a text that no operation asks for")];
    },
  },
  {
    code: "class_origin",
    edge: true,
    break: (draft, world) => {
      draft.intent["operation"] = CRITICAL_OPERATION;
      const approval = firstApproval(draft);
      approval.passkey = memberOf(world, approval.passkey).daily;
    },
  },
  {
    code: "role",
    edge: true,
    break: (draft, { people }) => {
      actAs(draft, people.vera);
    },
  },
  {
    code: "host_scope",
    edge: true,
    break: (draft, { people }) => {
      actAs(draft, people.scot);
    },
  },
  {
    code: "people",
    place: "session",
    edge: true,
    break: (draft, { people }) => {
      draft.session.passkey = people.otto.passkey;
    },
  },
  {
    code: "people",
    place: "number",
    edge: true,
    break: (draft, world) => {
      const trust = trustOf(draft, world);
      const policy = { id: "two", operations: ["all"], hosts: ["all"], people: 2 };
      draft.view = { ...draft.view, trust: { ...trust, policies: new Map([["two", policy]]) } };
    },
  },
  {
    code: "local_policy",
    edge: false,
    break: (draft) => {
      draft.view = { ...draft.view, denies: () => true };
    },
  },
  {
    code: "proposal_expired",
    edge: false,
    break: (draft, { workspace, people }) => {
      const body = { v: 1, workspace, kind: "proposal", decision: "approve", at: NOW - 60 };
      draft.proposal = {
        body: { v: 1, workspace, exp: NOW - 1, id: nonceOf("proposal") },
        approvals: [{ passkey: people.ada.passkey, knobs: {}, body }],
      };
    },
  },
  {
    code: "clock",
    edge: false,
    break: (draft) => {
      draft.view = { ...draft.view, now: NOW + 59 };
    },
  },
];

export function ruleName({ code, place }: EnvelopeRule): string {
  return place === undefined ? code : `${code} (${place})`;
}

/** Codes that no envelope can reach, and where their tests are. */
export const reachedElsewhere = {
  automation_key: "automation-cases.ts: no person's command is signed by one",
  automation_limit: "automation-cases.ts",
  automation_rate: "automation-cases.ts",
  busy: "the table of challenges, before there is an envelope",
  journal: "the executor, when it cannot write",
} as const satisfies Partial<Record<RefusalCode, string>>;

/** Pairs that cannot be broken at once: somebody whose role lacks a permission lacks it on every host. */
export function canBreakBoth(earlier: EnvelopeRule, later: EnvelopeRule): boolean {
  return !(earlier.code === "role" && later.code === "host_scope");
}
